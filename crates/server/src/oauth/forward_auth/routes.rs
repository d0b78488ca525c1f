//! Which scopes open a call, by `[scopes].endpoints`.
//!
//! An endpoint is `METHOD /path`; a segment in braces stands for any one segment. The most specific path decides, as in the
//! routers of frameworks: `/orders/export` is not an order. A segment that only looks like a listed one is refused, because a
//! backend may not tell capitals, dots at the end or a format such as `.json` apart.

use super::target::Target;
use hallpass_wire::{Scope, Scopes};
use std::collections::HashMap;

/// The calls of an API.
#[derive(Default, Debug)]
pub(crate) struct Routes(Node);

#[derive(Default, Debug)]
struct Node {
    literals: HashMap<String, Node>,
    /// The literals as a backend may read them that is not exact.
    alike: Vec<String>,
    parameter: Option<Box<Node>>,
    /// The scopes that open each method here. None: no endpoint has this path.
    methods: HashMap<String, Scopes>,
}

/// Why no scope opens a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NoRoute {
    /// No scope lists it.
    #[error("no scope lists this call")]
    Unlisted,
    /// A segment looks like that of another endpoint.
    #[error("the path looks like that of another call")]
    Alike,
}

/// Why an endpoint of the configuration cannot be checked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum EndpointFault {
    /// The path can never be asked for.
    #[error("{0}; a path here is written decoded, and {{name}} stands for one segment")]
    Path(String),
}

impl Routes {
    /// The routes of a catalogue.
    ///
    /// # Errors
    /// The first endpoint that cannot be checked, with its scope.
    pub(crate) fn of<'a>(
        catalogue: impl Iterator<Item = (&'a Scope, &'a [String])>,
    ) -> Result<Self, (&'a Scope, &'a str, EndpointFault)> {
        let mut routes = Self::default();
        for (scope, endpoints) in catalogue {
            for endpoint in endpoints {
                routes
                    .add(scope, endpoint)
                    .map_err(|fault| (scope, endpoint.as_str(), fault))?;
            }
        }
        Ok(routes)
    }

    /// Whether no scope lists any call.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        let Node {
            literals,
            parameter,
            methods,
            ..
        } = &self.0;
        literals.is_empty() && parameter.is_none() && methods.is_empty()
    }

    /// The scopes of which one opens the call.
    ///
    /// # Errors
    /// If none does.
    pub(crate) fn scopes(&self, method: &str, target: &Target<'_>) -> Result<&Scopes, NoRoute> {
        let node = self.0.find(target.segments())?.ok_or(NoRoute::Unlisted)?;
        let found = node.methods.get(method);
        // HEAD gives no more than GET (RFC 9110 §9.3.2).
        let found = found.or_else(|| node.methods.get("GET").filter(|_| method == "HEAD"));
        found.ok_or(NoRoute::Unlisted)
    }

    fn add(&mut self, scope: &Scope, endpoint: &str) -> Result<(), EndpointFault> {
        let fault = |text: String| EndpointFault::Path(text);
        let (method, path) = endpoint.split_once(' ').unwrap_or(("", endpoint));
        if path.contains(['?', '%']) {
            return Err(fault("the path has a query or a percent sign".to_owned()));
        }
        // Braces have no place in a path of a request, so the name is put aside.
        let plain = path.replace(['{', '}'], "");
        Target::parse(&plain).map_err(|error| fault(error.to_string()))?;
        let mut node = &mut self.0;
        for segment in path.trim_matches('/').split('/').filter(|segment| !segment.is_empty()) {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            node = match name {
                Some(name) if !name.is_empty() && !name.contains(['{', '}']) => {
                    node.parameter.get_or_insert_default().as_mut()
                }
                _ if segment.contains(['{', '}']) => {
                    return Err(fault(
                        "a segment is a name in braces as a whole, or has none".to_owned(),
                    ));
                }
                _ => {
                    if !node.literals.contains_key(segment) {
                        node.alike.push(folded(segment));
                    }
                    node.literals.entry(segment.to_owned()).or_default()
                }
            };
        }
        let scopes = node.methods.entry(method.to_owned()).or_default();
        *scopes = scopes.iter().chain([scope]).cloned().collect();
        Ok(())
    }
}

impl Node {
    /// The node of a path, if an endpoint has this path. Literals come before parameters.
    fn find<S: AsRef<str>>(&self, segments: &[S]) -> Result<Option<&Node>, NoRoute> {
        let Some((first, rest)) = segments.split_first() else {
            return Ok((!self.methods.is_empty()).then_some(self));
        };
        let first = first.as_ref();
        if let Some(literal) = self.literals.get(first) {
            if let Some(found) = literal.find(rest)? {
                return Ok(Some(found));
            }
        } else if self.looks_like_a_literal(first) {
            return Err(NoRoute::Alike);
        }
        match &self.parameter {
            Some(parameter) => parameter.find(rest),
            None => Ok(None),
        }
    }

    fn looks_like_a_literal(&self, segment: &str) -> bool {
        if self.alike.is_empty() {
            return false;
        }
        let folded = folded(segment);
        self.alike.iter().any(|literal| stem(literal) == stem(&folded))
    }
}

/// A segment without its format: some backends answer `report` with what is at `report.csv`, and the other way round.
fn stem(folded: &str) -> &str {
    // A dot at the beginning is part of the name.
    let hidden = folded.len() - folded.trim_start_matches('.').len();
    let end = folded.get(hidden..).and_then(|name| name.find('.'));
    end.and_then(|end| folded.get(..hidden + end)).unwrap_or(folded)
}

/// A segment as a backend reads it that ignores capitals, and dots and blanks at the end. Some compare capital letters and others small
/// ones, and a few letters are equal to one of ASCII in one way only: `ſ`, `ı` and the sign of Kelvin. `İ` is `i` and a dot (U+0307).
fn folded(segment: &str) -> String {
    let plain = segment.trim().trim_end_matches(['.', ' ']);
    // Letter by letter: `str::to_lowercase` writes a sigma at the end of a word in another way.
    let folded = plain.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.filter(|letter| *letter != '\u{307}').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn routes() -> Routes {
        let catalogue = [
            (
                scope("read"),
                vec!["GET /", "GET /orders", "GET /orders/{id}", "GET /orders/{id}/lines"],
            ),
            (
                scope("write"),
                vec!["POST /orders/", "PUT /orders/{order}", "GET /orders/{id}/lines"],
            ),
            (scope("export"), vec!["GET /orders/export", "POST /orders/export/now"]),
            (
                scope("report"),
                vec!["GET /orders/report.tar.gz", "GET /orders/.well-known"],
            ),
        ];
        let catalogue: Vec<(Scope, Vec<String>)> = catalogue
            .into_iter()
            .map(|(scope, endpoints)| (scope, endpoints.into_iter().map(str::to_owned).collect()))
            .collect();
        Routes::of(catalogue.iter().map(|(scope, endpoints)| (scope, endpoints.as_slice()))).unwrap()
    }

    fn opened_by(call: &str) -> Result<String, NoRoute> {
        let (method, uri) = call.split_once(' ').unwrap();
        let routes = routes();
        routes
            .scopes(method, &Target::parse(uri).unwrap())
            .map(ToString::to_string)
    }

    #[test]
    fn a_call_is_opened_by_the_scopes_that_list_it() {
        for (call, scopes) in [
            ("GET /", "read"),
            ("GET /orders", "read"),
            ("GET /orders/", "read"),
            ("HEAD /orders", "read"),
            ("POST /orders", "write"),
            ("GET /orders/17", "read"),
            ("GET /%6frders/17", "read"),
            ("PUT /orders/17", "write"),
            ("GET /orders/17/lines", "read write"),
            ("GET /orders/export", "export"),
            ("GET /orders/report.tar.gz", "report"),
            ("GET /orders/.well-known", "report"),
            ("GET /orders/.hidden", "read"),
            ("GET /orders/reports", "read"),
            ("GET /orders/%C3%A9", "read"),
            ("GET /orders/export/lines", "read write"),
        ] {
            assert_eq!(opened_by(call).as_deref(), Ok(scopes), "{call}");
        }
    }

    #[test]
    fn a_call_that_no_scope_lists_is_closed() {
        for call in [
            "GET /customers",
            "DELETE /orders/17",
            "get /orders",
            "OPTIONS /orders",
            "HEAD /orders/export/now",
            "GET /orders/17/lines/1",
            // The most specific path decides, even if another path has the method.
            "PUT /orders/export",
        ] {
            assert_eq!(opened_by(call), Err(NoRoute::Unlisted), "{call}");
        }
    }

    #[test]
    fn a_segment_that_looks_like_a_listed_one_is_refused() {
        for call in [
            "GET /orders/EXPORT",
            "GET /orders/Export",
            "GET /orders/export.json",
            "GET /orders/export.",
            "GET /orders/export%20",
            "GET /orders/report",
            "GET /orders/Report",
            "GET /orders/report.tar",
            "GET /orders/report.csv",
            "GET /orders/report.TAR.GZ",
            "GET /orders/report/lines",
            "GET /orders/.well-known.json",
            "GET /ORDERS/17",
            "GET /Orders",
            "GET /order%C5%BF",
            "GET /orders/17/l%C4%B1nes",
            "GET /orders/17/L%C4%B0NES",
            "GET /orders/.well-%E2%84%AAnown",
        ] {
            assert_eq!(opened_by(call), Err(NoRoute::Alike), "{call}");
        }
    }

    #[test]
    fn a_letter_is_folded_alike_wherever_it_stands() {
        assert_eq!(stem(&folded("οδος.json")), folded("ΟΔΟΣ"));
        assert_eq!(folded("İ"), "i");
    }

    #[test]
    fn an_endpoint_that_can_never_be_asked_for_is_told() {
        let read = scope("read");
        for endpoint in [
            "GET /a//b",
            "GET /a/../b",
            "GET /a;b",
            "GET /a%20b",
            "GET /a?b=c",
            "GET /a#b",
            "GET /{}",
            "GET /a{b}",
            "GET /{a}{b}",
            "GET /{a",
            "GET /é",
        ] {
            let endpoints = [endpoint.to_owned()];
            let catalogue = [(&read, &endpoints[..])];
            assert!(Routes::of(catalogue.into_iter()).is_err(), "{endpoint}");
        }
    }
}
