//! The table of all endpoints for machines: the path, the accepted methods, and the pages that may read the answers.
//!
//! Paths are looked up in a map that is built at start. Every path is found with and without a trailing slash.

use crate::config::Paths;
use http::Method;
use std::collections::HashMap;

/// The target of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// RFC 6749 §3.1.
    Authorize,
    /// RFC 6749 §3.2.
    Token,
    /// RFC 7662.
    Introspect,
    /// RFC 7009.
    Revoke,
    /// The feed for APIs (docs/guide/resource-feed.md).
    ResourceFeed,
    /// The check that a proxy makes for an API (docs/guide/forward-auth.md).
    ForwardAuth,
    /// The identity endpoint, which names the resource owner.
    Identity,
    /// RFC 8414.
    Metadata,
    /// OpenID Connect Discovery 1.0 §4. Hallpass has no such document yet.
    OpenIdConfiguration,
    /// OpenAPI 3.1.
    OpenApi,
    /// Liveness: whether the process runs.
    Live,
    /// Readiness: whether the server can serve requests.
    Ready,
    /// A page for people ([`crate::web::routes`]).
    Page,
}

/// The location of an endpoint.
pub enum Location {
    /// A configured path: the key below `[paths]`, and its value.
    Path(&'static str, fn(&Paths) -> &str),
    /// A fixed path.
    Fixed(&'static str),
    /// A name below `/.well-known/`: at the root, before the issuer's path (RFC 8414 §3.1), and after it, where OpenID
    /// Connect Discovery 1.0 §4.1 puts its document.
    WellKnown(&'static str),
    /// Every path without another endpoint.
    Rest,
}

/// The methods that an endpoint accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Methods {
    /// GET and HEAD.
    Read,
    /// POST.
    Post,
    /// GET, HEAD and POST.
    ReadOrPost,
    /// Any: some proxies ask with the method of the request that they ask about.
    Any,
}

impl Methods {
    /// Whether the endpoint accepts `method`.
    #[must_use]
    pub fn contain(self, method: &Method) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match self {
            Self::Read => reads,
            Self::Post => *method == Method::POST,
            Self::ReadOrPost => reads || *method == Method::POST,
            Self::Any => true,
        }
    }

    /// The value of `Allow` (RFC 9110 §10.2.1).
    #[must_use]
    pub fn allow(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD",
            Self::Post => "POST",
            Self::ReadOrPost => "GET, HEAD, POST",
            Self::Any => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        }
    }

    /// The value of `Access-Control-Allow-Methods`: the methods that a page of another site may use.
    #[must_use]
    pub fn shared(self) -> &'static str {
        match self {
            Self::ReadOrPost => "GET, POST",
            other => other.allow(),
        }
    }
}

/// The sites whose pages may read the answers ([`crate::http::cors`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readers {
    /// This server only.
    Own,
    /// The origins of apps.
    Apps,
    /// Every site.
    Everybody,
}

/// The URL in the metadata document (RFC 8414 §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// Below the issuer, because people's browsers open it.
    AtIssuer(&'static str),
    /// Below `api_url` if it is set, because machines call it.
    AtApi(&'static str),
    /// Not in the document.
    Nowhere,
}

/// One endpoint.
pub struct EndpointRow {
    /// The target of its paths.
    pub endpoint: Endpoint,
    /// The location.
    pub location: Location,
    /// The accepted methods.
    pub methods: Methods,
    /// The sites whose pages may read its answers.
    pub readers: Readers,
    /// The member of the metadata document with its URL.
    pub published: Published,
}

/// One row per endpoint.
pub(crate) static TABLE: [EndpointRow; 13] = [
    EndpointRow {
        endpoint: Endpoint::Authorize,
        location: Location::Path("authorize", |paths| &paths.authorize),
        methods: Methods::Read,
        readers: Readers::Own,
        published: Published::AtIssuer("authorization_endpoint"),
    },
    EndpointRow {
        endpoint: Endpoint::Token,
        location: Location::Path("token", |paths| &paths.token),
        methods: Methods::Post,
        readers: Readers::Apps,
        published: Published::AtApi("token_endpoint"),
    },
    EndpointRow {
        endpoint: Endpoint::Introspect,
        location: Location::Path("introspect", |paths| &paths.introspect),
        methods: Methods::Post,
        readers: Readers::Own,
        published: Published::AtApi("introspection_endpoint"),
    },
    EndpointRow {
        endpoint: Endpoint::Revoke,
        location: Location::Path("revoke", |paths| &paths.revoke),
        methods: Methods::Post,
        readers: Readers::Apps,
        published: Published::AtApi("revocation_endpoint"),
    },
    EndpointRow {
        endpoint: Endpoint::ResourceFeed,
        location: Location::Fixed("/resource/feed"),
        methods: Methods::Read,
        readers: Readers::Own,
        published: Published::Nowhere,
    },
    EndpointRow {
        endpoint: Endpoint::ForwardAuth,
        location: Location::Fixed("/forward-auth"),
        methods: Methods::Any,
        readers: Readers::Own,
        published: Published::Nowhere,
    },
    EndpointRow {
        endpoint: Endpoint::Identity,
        location: Location::Path("identity", |paths| &paths.identity),
        methods: Methods::ReadOrPost,
        readers: Readers::Apps,
        published: Published::AtApi("userinfo_endpoint"),
    },
    EndpointRow {
        endpoint: Endpoint::Metadata,
        location: Location::WellKnown("oauth-authorization-server"),
        methods: Methods::Read,
        readers: Readers::Everybody,
        published: Published::Nowhere,
    },
    EndpointRow {
        endpoint: Endpoint::OpenIdConfiguration,
        location: Location::WellKnown("openid-configuration"),
        methods: Methods::Read,
        readers: Readers::Everybody,
        published: Published::Nowhere,
    },
    EndpointRow {
        endpoint: Endpoint::OpenApi,
        location: Location::Fixed("/openapi.json"),
        methods: Methods::Read,
        readers: Readers::Everybody,
        published: Published::Nowhere,
    },
    EndpointRow {
        endpoint: Endpoint::Live,
        location: Location::Fixed("/health/live"),
        methods: Methods::Read,
        readers: Readers::Own,
        published: Published::Nowhere,
    },
    EndpointRow {
        endpoint: Endpoint::Ready,
        location: Location::Fixed("/health/ready"),
        methods: Methods::Read,
        readers: Readers::Own,
        published: Published::Nowhere,
    },
    EndpointRow {
        endpoint: Endpoint::Page,
        location: Location::Rest,
        methods: Methods::ReadOrPost,
        readers: Readers::Own,
        published: Published::Nowhere,
    },
];

/// The first parts of the paths of pages, without the front page.
pub(crate) const PAGES: [&str; 9] = [
    "assets",
    "login",
    "logout",
    "consent",
    "handover",
    "switch",
    "account",
    "organizations",
    "developer",
];

/// The first parts of paths that later versions will use.
const LATER: [&str; 2] = ["admin", "metrics"];

/// The reserved first part with which the path begins, if there is one: configured paths must not begin with it, because
/// pages or fixed endpoints are there.
#[must_use]
pub(crate) fn reserved(path: &str) -> Option<&str> {
    let first = path.split('/').nth(1).unwrap_or_default();
    let fixed = |row: &EndpointRow| match row.location {
        Location::Fixed(fixed) => fixed.split('/').nth(1) == Some(first),
        Location::WellKnown(_) => first == ".well-known",
        Location::Path(..) | Location::Rest => false,
    };
    let is_reserved = PAGES.contains(&first) || LATER.contains(&first) || TABLE.iter().any(fixed);
    is_reserved.then_some(first)
}

/// The path without its trailing slash.
#[must_use]
pub(crate) fn bare(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// The endpoints of a deployment, by path.
pub struct Endpoints {
    /// Keyed by the path without a trailing slash. The number is how many bytes of the path belong to the public URL.
    by_path: HashMap<String, (&'static EndpointRow, usize)>,
    rest: &'static EndpointRow,
    /// The paths of the public URL and of the API's URL, if they have one. The longer one comes first, because it may begin
    /// with the other.
    bases: Vec<String>,
}

impl Endpoints {
    /// Builds the map. `issuer` and `api` are the paths of the public URL and of the API's URL, without a trailing slash.
    #[must_use]
    pub fn new(paths: &Paths, issuer: &str, api: &str) -> Self {
        let mut bases = vec![issuer.to_owned(), api.to_owned()];
        bases.sort_by_key(|base| std::cmp::Reverse(base.len()));
        bases.dedup();
        bases.retain(|base| !base.is_empty());
        let mut by_path = HashMap::new();
        // A proxy may remove or keep the path of the public URL, so both forms are answered. If two prefixes match, the
        // longer one is removed.
        for base in bases.iter().map(String::as_str).chain([""]) {
            for row in &TABLE {
                for path in row.location.paths(paths, issuer) {
                    by_path.entry(format!("{base}{path}")).or_insert((row, base.len()));
                }
            }
        }
        let [.., rest] = &TABLE;
        Self { by_path, rest, bases }
    }

    /// The target of a path, and the path below the public URL or the API's URL. An endpoint has precedence over a page.
    #[must_use]
    pub fn find<'p>(&self, path: &'p str) -> (&'static EndpointRow, &'p str) {
        if let Some((row, base)) = self.by_path.get(bare(path)) {
            return (row, path.get(*base..).unwrap_or_default());
        }
        let bases = self.bases.iter();
        let mut below = bases.filter_map(|base| path.strip_prefix(base.as_str()).filter(|rest| is_path(rest)));
        (self.rest, below.find(|path| is_page(path)).unwrap_or(path))
    }
}

impl Location {
    /// The path in documents, below the public URL.
    #[must_use]
    pub fn documented_path(&self, paths: &Paths) -> String {
        match self {
            Self::Path(_, configured) => configured(paths).to_owned(),
            Self::Fixed(path) => (*path).to_owned(),
            Self::WellKnown(name) => format!("/.well-known/{name}"),
            Self::Rest => "/".to_owned(),
        }
    }

    /// The endpoint's paths below the public URL, without a trailing slash.
    fn paths(&self, paths: &Paths, issuer: &str) -> Vec<String> {
        match self {
            Self::Path(_, configured) => vec![bare(configured(paths)).to_owned()],
            Self::Fixed(path) => vec![(*path).to_owned()],
            Self::WellKnown(name) => vec![format!("/.well-known/{name}"), format!("/.well-known/{name}{issuer}")],
            Self::Rest => Vec::new(),
        }
    }
}

/// Whether the rest of a path is a path of its own, and not the rest of a longer name.
fn is_path(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Whether a page may be at `path`, judged by its first part. If the public URL ends in such a name, a path that a proxy
/// shortened would otherwise be shortened again.
fn is_page(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    first.is_empty() || PAGES.contains(&first)
}
