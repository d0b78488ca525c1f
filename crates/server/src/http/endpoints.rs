//! Every endpoint that machines call, as one table: where it is, what it takes, who may read its answers.
//!
//! Paths are looked up in a map that is made at start. Both forms of every path are found, with and without a trailing slash.

use crate::config::Paths;
use http::Method;
use std::collections::HashMap;

/// What a path leads to.
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
    /// Who the resource owner is.
    Identity,
    /// RFC 8414.
    Metadata,
    /// OpenID Connect Discovery 1.0 §4. Hallpass has no such document yet.
    OpenIdConfiguration,
    /// OpenAPI 3.1.
    OpenApi,
    /// Whether the process lives.
    Live,
    /// Whether the server can serve.
    Ready,
    /// A page for people ([`crate::web::routes`]).
    Page,
}

/// Where an endpoint is.
pub enum Location {
    /// Configured: the key below `[paths]`, and its value.
    Path(&'static str, fn(&Paths) -> &str),
    /// Always there.
    Fixed(&'static str),
    /// A name below `/.well-known/`: at the root, before the issuer's path (RFC 8414 §3.1), and behind it, where OpenID Connect
    /// Discovery 1.0 §4.1 puts its document.
    WellKnown(&'static str),
    /// Wherever no other endpoint is.
    Rest,
}

/// The methods that an endpoint takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Methods {
    /// GET and HEAD.
    Read,
    /// POST.
    Post,
    /// GET, HEAD and POST.
    ReadOrPost,
}

impl Methods {
    /// Whether `method` is one of them.
    #[must_use]
    pub fn contain(self, method: &Method) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match self {
            Self::Read => reads,
            Self::Post => *method == Method::POST,
            Self::ReadOrPost => reads || *method == Method::POST,
        }
    }

    /// The value of `Allow` (RFC 9110 §10.2.1).
    #[must_use]
    pub fn allow(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD",
            Self::Post => "POST",
            Self::ReadOrPost => "GET, HEAD, POST",
        }
    }

    /// The value of `Access-Control-Allow-Methods`: those that another site's page may use.
    #[must_use]
    pub fn shared(self) -> &'static str {
        match self {
            Self::ReadOrPost => "GET, POST",
            other => other.allow(),
        }
    }
}

/// Pages of which sites may read the answers ([`crate::http::cors`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readers {
    /// This server's own.
    Own,
    /// Those of apps.
    Apps,
    /// Every site's.
    Everybody,
}

/// The address that the metadata document gives (RFC 8414 §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// Below the issuer: people's browsers go there.
    AtIssuer(&'static str),
    /// Below `api_url`, where there is one: machines call it.
    AtApi(&'static str),
    /// Not in the document.
    Nowhere,
}

/// One endpoint.
pub struct Row {
    /// Which it is.
    pub endpoint: Endpoint,
    /// Where it is.
    pub location: Location,
    /// What it takes.
    pub methods: Methods,
    /// Who may read its answers.
    pub readers: Readers,
    /// The member of the metadata document that has its address.
    pub published: Published,
}

/// A row for each endpoint.
pub static TABLE: [Row; 11] = [
    Row {
        endpoint: Endpoint::Authorize,
        location: Location::Path("authorize", |paths| &paths.authorize),
        methods: Methods::Read,
        readers: Readers::Own,
        published: Published::AtIssuer("authorization_endpoint"),
    },
    Row {
        endpoint: Endpoint::Token,
        location: Location::Path("token", |paths| &paths.token),
        methods: Methods::Post,
        readers: Readers::Apps,
        published: Published::AtApi("token_endpoint"),
    },
    Row {
        endpoint: Endpoint::Introspect,
        location: Location::Path("introspect", |paths| &paths.introspect),
        methods: Methods::Post,
        readers: Readers::Own,
        published: Published::AtApi("introspection_endpoint"),
    },
    Row {
        endpoint: Endpoint::Revoke,
        location: Location::Path("revoke", |paths| &paths.revoke),
        methods: Methods::Post,
        readers: Readers::Apps,
        published: Published::AtApi("revocation_endpoint"),
    },
    Row {
        endpoint: Endpoint::Identity,
        location: Location::Path("identity", |paths| &paths.identity),
        methods: Methods::ReadOrPost,
        readers: Readers::Apps,
        published: Published::AtApi("userinfo_endpoint"),
    },
    Row {
        endpoint: Endpoint::Metadata,
        location: Location::WellKnown("oauth-authorization-server"),
        methods: Methods::Read,
        readers: Readers::Everybody,
        published: Published::Nowhere,
    },
    Row {
        endpoint: Endpoint::OpenIdConfiguration,
        location: Location::WellKnown("openid-configuration"),
        methods: Methods::Read,
        readers: Readers::Everybody,
        published: Published::Nowhere,
    },
    Row {
        endpoint: Endpoint::OpenApi,
        location: Location::Fixed("/openapi.json"),
        methods: Methods::Read,
        readers: Readers::Everybody,
        published: Published::Nowhere,
    },
    Row {
        endpoint: Endpoint::Live,
        location: Location::Fixed("/health/live"),
        methods: Methods::Read,
        readers: Readers::Own,
        published: Published::Nowhere,
    },
    Row {
        endpoint: Endpoint::Ready,
        location: Location::Fixed("/health/ready"),
        methods: Methods::Read,
        readers: Readers::Own,
        published: Published::Nowhere,
    },
    Row {
        endpoint: Endpoint::Page,
        location: Location::Rest,
        methods: Methods::ReadOrPost,
        readers: Readers::Own,
        published: Published::Nowhere,
    },
];

/// What the paths of pages begin with, the front page aside.
pub const PAGES: [&str; 8] = [
    "assets",
    "login",
    "logout",
    "consent",
    "switch",
    "account",
    "organizations",
    "developer",
];

/// What paths of later versions begin with.
const LATER: [&str; 3] = ["admin", "metrics", "forward-auth"];

/// The part of a path that no configured path may begin with, where it begins with one: a page or a fixed endpoint is there.
#[must_use]
pub fn reserved(path: &str) -> Option<&str> {
    let first = path.split('/').nth(1).unwrap_or_default();
    let fixed = |row: &Row| match row.location {
        Location::Fixed(fixed) => fixed.split('/').nth(1) == Some(first),
        Location::WellKnown(_) => first == ".well-known",
        Location::Path(..) | Location::Rest => false,
    };
    let is_reserved = PAGES.contains(&first) || LATER.contains(&first) || TABLE.iter().any(fixed);
    is_reserved.then_some(first)
}

/// A path without its trailing slash.
#[must_use]
pub fn bare(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// The endpoints of a deployment, by path.
pub struct Endpoints {
    /// By the path without a trailing slash. The number is how many of its bytes belong to the public address.
    by_path: HashMap<String, (&'static Row, usize)>,
    rest: &'static Row,
    /// The paths of the public address and of the API's, where they have one, the longer first: it may begin with the other.
    bases: Vec<String>,
}

impl Endpoints {
    /// Makes the map. `issuer` and `api` are the paths of the public address and of the API's, without a trailing slash.
    #[must_use]
    pub fn new(paths: &Paths, issuer: &str, api: &str) -> Self {
        let mut bases = vec![issuer.to_owned(), api.to_owned()];
        bases.sort_by_key(|base| std::cmp::Reverse(base.len()));
        bases.dedup();
        bases.retain(|base| !base.is_empty());
        let mut by_path = HashMap::new();
        // A proxy may take the path of the public address off or leave it on, so both are answered. Where that leaves a
        // choice, the longest prefix is taken off.
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

    /// What a path leads to, and how it reads below the public address or the API's. An endpoint comes before a page.
    #[must_use]
    pub fn find<'p>(&self, path: &'p str) -> (&'static Row, &'p str) {
        if let Some((row, base)) = self.by_path.get(bare(path)) {
            return (row, path.get(*base..).unwrap_or_default());
        }
        let bases = self.bases.iter();
        let mut below = bases.filter_map(|base| path.strip_prefix(base.as_str()).filter(|rest| is_path(rest)));
        (self.rest, below.find(|path| is_page(path)).unwrap_or(path))
    }
}

impl Location {
    /// The path that documents name, below the public address.
    #[must_use]
    pub fn documented_path(&self, paths: &Paths) -> String {
        match self {
            Self::Path(_, configured) => configured(paths).to_owned(),
            Self::Fixed(path) => (*path).to_owned(),
            Self::WellKnown(name) => format!("/.well-known/{name}"),
            Self::Rest => "/".to_owned(),
        }
    }

    /// Its paths below the public address, without a trailing slash.
    fn paths(&self, paths: &Paths, issuer: &str) -> Vec<String> {
        match self {
            Self::Path(_, configured) => vec![bare(configured(paths)).to_owned()],
            Self::Fixed(path) => vec![(*path).to_owned()],
            Self::WellKnown(name) => vec![format!("/.well-known/{name}"), format!("/.well-known/{name}{issuer}")],
            Self::Rest => Vec::new(),
        }
    }
}

/// Whether what is left of a path is one, and not the rest of a longer name.
fn is_path(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Whether a page may stand at `path`, by its first part. Where the public address ends in such a name, a path that a proxy
/// shortened would otherwise be shortened again.
fn is_page(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    first.is_empty() || PAGES.contains(&first)
}
