//! `hallpass demo`: a complete deployment on this machine, to try in a browser.
//!
//! It consists of the server with people, organizations and apps; a sample API behind the server; and a sample third-party
//! app that connects to both. Each listens on its own loopback port. They share only the network and a clock: API and app
//! use the server like any other API and app.

mod addresses;
mod api;
mod app;
mod clock;
mod folder;
mod handover;
mod listen;
mod outgoing;
mod own_pages;
mod people;
mod places;
mod sample;
mod site;
#[cfg(test)]
mod tests;
mod world;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use self::addresses::{Addresses, app_url, public_url};
use self::clock::DemoClock;
use self::folder::Folder;
use self::handover::Handover;
use self::outgoing::{Credentials, Http};
use self::places::Places;
use crate::config::{Config, ConfigError, GrantType, Lifetime, Organization, Reach, ScopeEntry};
use crate::serve;
use crate::serve::StartError;
use hallpass_dialect::Dialect;
use hallpass_resource::Verifier;
use hallpass_wire::Scope;

/// The password of every person in the demo. It protects only invented data on this machine.
const PASSWORD: &str = "open-sesame";

/// The options of `hallpass demo`.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The preset, which decides the API that is imitated.
    pub preset: String,
    /// The address of the server. If its port is taken, the next free one is used; the same holds for API and app.
    pub listen: Option<SocketAddr>,
    /// The address of the sample API.
    pub api_listen: Option<SocketAddr>,
    /// The address of the sample app.
    pub app_listen: Option<SocketAddr>,
    /// The site where people sign in.
    pub site: DemoSite,
    /// The data folder. `None` for a temporary folder that is deleted at the end.
    pub data: Option<PathBuf>,
}

/// The site where the people of a demo sign in.
#[derive(Clone, Debug)]
pub(crate) enum DemoSite {
    /// None: the server itself has their passwords.
    None,
    /// The sample site, at this address or the next free one.
    Sample(Option<SocketAddr>),
    /// The developer's own site, by the URL of its page for the server.
    Own(String),
}

/// Why the demo did not start, or failed while it ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// There is no preset with this name.
    #[error("there is no preset {0:?}; there are {1}")]
    UnknownPreset(String, String),
    /// Everybody knows the demo's passwords, so it must not be reachable from other machines.
    #[error("the demo listens on loopback addresses only, not on {0}")]
    NotLoopback(SocketAddr),
    /// An address cannot be bound.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, #[source] io::Error),
    /// The wanted port and the ports after it are taken.
    #[error("{0} and the ports after it are taken")]
    NoFreePort(SocketAddr),
    /// The data folder cannot be used.
    #[error("cannot use {0}: {1}")]
    Folder(PathBuf, #[source] io::Error),
    /// The folder is not empty, and no demo created it.
    #[error("{0} holds files that are not a demo's: name an empty folder")]
    NotADemo(PathBuf),
    /// The addresses of the world do not suit the sample API. This is a defect of Hallpass.
    #[error("the demo's API: {0}")]
    Api(#[from] hallpass_resource::BuildError),
    /// The configuration of the world is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data of the world is invalid. This is a defect of Hallpass.
    #[error("the demo's data: {0}")]
    World(#[source] serde_json::Error),
    /// The HTTP client cannot be created.
    #[error("the demo's HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// The server failed to start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Standard output or signals are not available.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the demo until the process is asked to end.
///
/// # Errors
/// If an address, the data folder or the preset cannot be used, or the server does not start.
pub(crate) async fn run(options: Options) -> Result<(), DemoError> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let places = Places::bind(options.listen, options.api_listen, options.app_listen)?;
    let listener = match &options.site {
        DemoSite::Sample(wanted) => Some(places::site(*wanted)?),
        DemoSite::None | DemoSite::Own(_) => None,
    };
    let folder = Folder::open(options.data)?;
    let clock = DemoClock::open(folder.path());
    tokio::spawn(Arc::clone(&clock).run());

    let addresses = Addresses {
        server: places.server.local_addr()?,
        app: places.app.local_addr()?,
    };
    let site = match &listener {
        Some(listener) => Some(public_url(listener.local_addr()?)),
        None => None,
    };
    let handover = handover(&options.site, site.as_deref());
    let (config, sample) = world::load(&options.preset, addresses, &folder, handover.as_ref())?;
    let api_url = public_url(places.api.local_addr()?);
    let parts = Parts {
        config,
        sample,
        api_url,
        app: addresses.app,
        site,
        clock,
        http: Http::new(addresses.server)?,
    };

    // The server binds its own listener, so its port is released now.
    drop(places.server);
    let server = serve::start(parts.config.clone(), parts.clock.shared()).await?;
    parts.clock.keep_sessions_of(server.hallpass());
    listen::spawn(places.api, api::router(parts.api()?))?;
    listen::spawn(places.app, app::router(parts.sample_app()))?;
    if let Some((listener, site)) = listener.zip(parts.sample_site()) {
        listen::spawn(listener, site::router(site))?;
    }
    introduce(&parts, &folder)?;

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    server.stop().await;
    Ok(())
}

/// The site for the configuration. `sample`: the URL of the sample site.
fn handover(site: &DemoSite, sample: Option<&str>) -> Option<Handover> {
    match (site, sample) {
        (DemoSite::Own(page), _) => Some(Handover {
            sign_in: page.clone(),
            sign_out: None,
            is_sample: false,
        }),
        (_, Some(url)) => Some(Handover {
            sign_in: format!("{url}{}", site::SIGN_IN),
            sign_out: Some(format!("{url}{}", site::SIGN_OUT)),
            is_sample: true,
        }),
        (_, None) => None,
    }
}

/// The parts from which API and app are built.
struct Parts {
    config: Config,
    sample: world::SampleWorld,
    api_url: String,
    app: SocketAddr,
    /// The URL of the sample site, if there is one.
    site: Option<String>,
    clock: Arc<DemoClock>,
    http: Http,
}

impl Parts {
    fn issuer(&self) -> String {
        self.config
            .server
            .public_url
            .clone()
            .unwrap_or_else(|| public_url(self.config.server.listen))
    }

    /// The URL at which apps reach the endpoint with this `path` (API-8).
    fn endpoint(&self, path: &str) -> String {
        let base = self.config.server.api_url.clone().unwrap_or_else(|| self.issuer());
        format!("{base}{path}")
    }

    fn api(&self) -> Result<api::SampleApi, DemoError> {
        Ok(api::SampleApi {
            name: format!("{} API (sample)", self.config.brand.name),
            identity: self.endpoint(&self.config.paths.identity),
            verifier: self.verifier()?,
            endpoints: api::endpoints(&self.config),
            records: Mutex::new(self.sample.records.clone()),
            http: self.http.clone(),
        })
    }

    /// Checks the tokens of the sample API, which knows the server by the credentials of its `[[resources]]` entry.
    fn verifier(&self) -> Result<Verifier, DemoError> {
        let wire = &self.config.wire;
        let resource = self.config.resources.first();
        let identifier = resource
            .map(|resource| resource.identifier.as_str())
            .unwrap_or_default();
        let secret = resource.map(|resource| resource.secret.expose()).unwrap_or_default();
        let verifier = Verifier::builder(&self.issuer())
            .audience(identifier)
            .introspection(identifier, secret)
            .introspection_endpoint(&self.endpoint(&self.config.paths.introspect))
            .leeway(Duration::ZERO)
            .dialect(Dialect {
                name: wire.dialect,
                refusal_message: wire.refusal_message,
                empty_member: wire.empty_member,
            })
            .fetch_with(Arc::new(self.http.clone()))
            .clock(Arc::<DemoClock>::clone(&self.clock));
        Ok(verifier.build()?)
    }

    fn sample_app(&self) -> app::SampleApp {
        let paths = &self.config.paths;
        app::SampleApp {
            url: app_url(self.app),
            brand: self.config.brand.name.to_string(),
            issuer: self.issuer(),
            endpoints: app::ServerAddresses {
                authorize: format!("{}{}", self.issuer(), paths.authorize),
                token: self.endpoint(&paths.token),
                introspect: self.endpoint(&paths.introspect),
                revoke: self.endpoint(&paths.revoke),
                identity: self.endpoint(&paths.identity),
            },
            api_url: self.api_url.clone(),
            client_authentication: self.sample.client_authentication,
            scope: self.sample.scope.clone(),
            calls: self.sample.calls.clone(),
            scopes: self.scopes(),
            people: people::people(&self.config, &self.issuer()),
            settings: self.settings(),
            site: self.sign_in_site(),
            refresh_lifetime: self.refresh_lifetime(),
            registrations: self.config.apps.iter().map(|app| self.registration(app)).collect(),
            http: self.http.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    fn sample_site(&self) -> Option<site::SampleSite> {
        let handover = self.config.handover.as_ref()?;
        Some(site::SampleSite {
            url: self.site.clone()?,
            issuer: self.issuer(),
            secret: handover.secret.first()?.expose().to_owned(),
            people: site::people(&self.config),
            http: self.http.clone(),
            clock: Arc::clone(&self.clock),
        })
    }

    fn sign_in_site(&self) -> Option<app::SignInSite> {
        let handover = self.config.handover.as_ref()?;
        Some(app::SignInSite {
            url: self.site.clone().unwrap_or_else(|| handover.url.clone()),
            is_sample: self.site.is_some(),
        })
    }

    /// The catalogue, in English like the pages of the app.
    fn scopes(&self) -> Vec<app::CatalogueRow> {
        let row = |(scope, entry): (&Scope, &ScopeEntry)| app::CatalogueRow {
            scope: scope.to_string(),
            title: entry.title.get("en").to_owned(),
            endpoints: entry.endpoints.clone(),
        };
        self.config.scopes.iter().map(row).collect()
    }

    /// The API settings of every organization.
    fn settings(&self) -> Vec<app::Settings> {
        let issuer = self.issuer();
        let of = |organization: &Organization| app::Settings {
            organization: organization.name.to_string(),
            url: people::settings(organization, &issuer),
        };
        self.config.organizations.iter().map(of).collect()
    }

    fn refresh_lifetime(&self) -> Option<Duration> {
        match self.config.tokens.refresh {
            Lifetime::Never => None,
            Lifetime::For(lifetime) => Some(lifetime),
        }
    }

    fn registration(&self, app: &crate::config::App) -> app::Registration {
        let owner = app.organization.as_deref().and_then(|slug| {
            self.config
                .organizations
                .iter()
                .find(|organization| organization.slug == slug)
        });
        let owner = owner.filter(|_| app.reach == Reach::Own);
        let about = match (owner, app.reach) {
            (_, Reach::Partner) => "A partner's app: people of every organization can connect it.",
            (Some(_), Reach::Own) => "only its own people can connect it.",
            (None, Reach::Own) => "Everybody with an account can connect it.",
        };
        let redirect_uri = app.redirect_uris.first().map(ToString::to_string);
        let by_hand = " It has no redirect URI: the person copies the code and brings it here.";
        app::Registration {
            name: app.name.to_string(),
            owner: owner.map(|owner| owner.name.to_string()),
            about: match redirect_uri {
                Some(_) => about.to_owned(),
                None => format!("{about}{by_hand}"),
            },
            credentials: Credentials {
                id: app.client_id.to_string(),
                secret: app
                    .client_secret
                    .as_ref()
                    .map(|secret| secret.expose().to_owned())
                    .unwrap_or_default(),
                is_public: self.sample.public_credentials,
            },
            redirect_uri,
            grant_types: app.grant_types.clone().unwrap_or_else(|| self.offered()),
        }
    }

    fn offered(&self) -> Vec<GrantType> {
        self.config.wire.grant_types.clone()
    }
}

/// Prints the URLs and the logins to standard output.
fn introduce(parts: &Parts, folder: &Folder) -> io::Result<()> {
    let issuer = parts.issuer();
    let brand = &parts.config.brand.name;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{}/  start here: Acme Reports, a sample third-party app",
        app_url(parts.app)
    )?;
    writeln!(out)?;
    writeln!(out, "{issuer}/  {brand}, the server")?;
    writeln!(out, "{issuer}/developer  developer portal")?;
    writeln!(out, "{issuer}/account/apps  connected apps")?;
    for settings in parts.settings() {
        writeln!(out, "{}  API settings of {}", settings.url, settings.organization)?;
    }
    writeln!(out, "{}/  sample API", parts.api_url)?;
    if let Some(site) = &parts.site {
        writeln!(out, "{site}/  The Market, the sample site where people sign in")?;
    }
    writeln!(out)?;
    write_logins(&mut out, parts, folder)?;
    let end = if folder.is_temporary() {
        "; its data goes with it"
    } else {
        ""
    };
    writeln!(out, "Ctrl-C ends the demo{end}")?;
    out.flush()
}

/// The people, by where they sign in, and what the developer's own site needs.
fn write_logins(out: &mut impl io::Write, parts: &Parts, folder: &Folder) -> io::Result<()> {
    let issuer = parts.issuer();
    let people = people::people(&parts.config, &issuer);
    let Some(handover) = &parts.config.handover else {
        writeln!(out, "log in as:")?;
        return writeln!(out, "{}", people::table(&people));
    };
    let (of_site, own): (Vec<_>, Vec<_>) = people.iter().partition(|person| person.at_site);
    if parts.site.is_some() {
        writeln!(out, "log in at the sample site as:")?;
        writeln!(out, "{}", people::table(of_site))?;
    } else {
        let folder = folder.path();
        writeln!(out, "your site signs people in, at {}. It needs:", handover.url)?;
        writeln!(out, "  HALLPASS_URL={issuer}")?;
        writeln!(
            out,
            "  HALLPASS_HANDOVER_SECRET=$(cat {})",
            folder.join(handover::SECRET).display()
        )?;
        writeln!(
            out,
            "Start it with these two, then press Connect in the app: you log in at your site, and come back."
        )?;
        writeln!(
            out,
            "If not: hallpass handover check --config {}\n",
            folder.join(folder::WORLD).display()
        )?;
    }
    writeln!(out, "log in at {issuer}/login as:")?;
    writeln!(out, "{}", people::table(own))
}
