//! The data with which the gallery renders every page: ordinary data and hostile data.

#![allow(clippy::too_many_lines, reason = "lists of data, not logic")]

use super::{
    Account, Again, AlreadyConnected, AppChange, AppDelete, AppDeleted, AppDone, AppFieldErrors, AppFields, AppLine,
    AppNew, AppPage, AppsList, Back, CodeCopy, ConnectedApps, Connection, Consent, ConsentDone, DeletionToll, Denied,
    EndedLine, Error, ErrorKind, Flow, Frame, Interrupted, Landing, Locale, Login, LoginError, MemberLine, Notice,
    OldSecrets, OrganizationChoice, OrganizationLine, OrganizationSettings, Pages, Part, RefusedRedirectUri,
    RegistrationRight, ScopeChoice, ScopeLine, SecretLine, SecretNews, SwitchAccount, Tab, Until, UriLine,
};
use crate::apps::names::NameError;
use crate::apps::registration::{NameFault, RedirectUriFault};
use crate::store::Connected;
use crate::store::model::{AppStatus, ClientType, EndReason, OrganizationKind, Role};
use hallpass_wire::redirect_uri::{Destination, RedirectUriError as Malformed};

/// The links of a page in the middle of a list.
fn several() -> Pages {
    Pages {
        first: Some("/account/apps".to_owned()),
        next: Some("/account/apps?after=01".to_owned()),
    }
}

const NOW: i64 = 1_795_430_000_000; // 2026-11-23
const DAY: i64 = 86_400_000;

/// Texts that people could have typed or sent.
pub(super) struct Texts {
    brand: String,
    person: String,
    email: String,
    app: String,
    owner: String,
    host: String,
    organization: String,
    slug: String,
    scope: String,
    description: String,
    uri: String,
    client_id: String,
    blob: String,
    code: String,
}

impl Texts {
    pub(super) fn friendly() -> Self {
        Self {
            brand: "House Check".into(),
            person: "John Doe".into(),
            email: "john@doe.com".into(),
            app: "Acme Reports".into(),
            owner: "Acme B.V.".into(),
            host: "reports.acme.example".into(),
            organization: "Brasserie Central".into(),
            slug: "brasserie-central".into(),
            scope: "See the checks of your houses".into(),
            description: "With their dates and results".into(),
            uri: "https://reports.acme.example/cb".into(),
            client_id: "8Fq2Zk1VtJx0R7mBwQ4sYc9n".into(),
            blob: "c2VhbGVk".into(),
            code: "hp_ac_AZqM3xk0dUS8WcQ0v5nQ9QAAAAAAAAAAF2v1mVtS0y8J4o6y2kQ3TnXbYpJ0".into(),
        }
    }

    /// Markup, quotes, a right-to-left override and 300 characters in every field.
    pub(super) fn hostile() -> Self {
        let evil = |field: &str| {
            format!(
                "<script>{field}</script>\"'><img src=x>&amp;\u{202e}\u{5e9}{}",
                "W".repeat(300)
            )
        };
        Self {
            brand: evil("brand"),
            person: evil("person"),
            email: evil("email"),
            app: evil("app"),
            owner: evil("owner"),
            host: evil("host"),
            organization: evil("organization"),
            slug: evil("slug"),
            scope: evil("scope"),
            description: evil("description"),
            uri: evil("uri"),
            client_id: evil("client_id"),
            blob: evil("blob"),
            code: evil("code"),
        }
    }

    /// All names, ids, codes and secrets on the pages.
    pub(super) fn names(&self) -> Vec<&str> {
        let own = [
            &self.brand,
            &self.person,
            &self.email,
            &self.app,
            &self.owner,
            &self.host,
            &self.organization,
            &self.slug,
            &self.uri,
            &self.client_id,
            &self.code,
        ];
        let more = [
            "Kitchen Sync",
            "Hotel Noord",
            "01J9-4K",
            "q7Xd",
            "m2Lp",
            "curl ",
            "invalid_request",
            "http://192.168.178.20:8080",
            "https://id.example.com",
            "http://127.0.0.1/cb",
            "U+200B",
        ];
        own.into_iter().map(String::as_str).chain(more).collect()
    }

    fn frame(&self, locale: Locale) -> Frame<'_> {
        Frame {
            brand: &self.brand,
            base: "",
            locale,
            person: Some(&self.person),
            develops: true,
            sign_out: &self.blob,
            notice: None,
        }
    }

    pub(super) fn pages(&self, locale: Locale) -> Vec<(String, String)> {
        let mut pages = Vec::new();
        self.login(&self.frame(locale), &mut pages);
        self.consent(&self.frame(locale), &mut pages);
        self.after_consent(&self.frame(locale), &mut pages);
        self.account(&self.frame(locale), &mut pages);
        self.registration(&self.frame(locale), &mut pages);
        self.app(&self.frame(locale), &mut pages);
        self.app_changes(&self.frame(locale), &mut pages);
        self.organization(&self.frame(locale), &mut pages);
        self.errors(&self.frame(locale), &mut pages);
        pages
    }

    fn scopes(&self) -> [ScopeLine<'_>; 2] {
        [
            ScopeLine {
                title: &self.scope,
                description: None,
            },
            ScopeLine {
                title: &self.scope,
                description: Some(&self.description),
            },
        ]
    }

    fn organizations(&self) -> [OrganizationChoice<'_>; 2] {
        [
            OrganizationChoice {
                slug: &self.slug,
                name: &self.organization,
            },
            OrganizationChoice {
                slug: "hotel-noord",
                name: "Hotel Noord",
            },
        ]
    }

    fn login(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let login = Login {
            action: "/login",
            blob: &self.blob,
            app_name: Some(&self.app),
            username: &self.email,
            error: None,
            interrupted: None,
        };
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        add(
            "login",
            Login {
                username: "",
                app_name: None,
                ..login.clone()
            }
            .render(frame),
        );
        for (name, interrupted) in [
            ("login-interrupted", Interrupted::NothingDone),
            ("login-kept", Interrupted::Kept),
        ] {
            add(
                name,
                Login {
                    interrupted: Some(interrupted),
                    ..login.clone()
                }
                .render(frame),
            );
        }
        for (name, error) in [
            ("login-wrong", LoginError::WrongPassword),
            ("login-stale", LoginError::Stale),
            ("login-unreadable", LoginError::Unreadable),
            ("login-other-browser", LoginError::OtherBrowser),
            (
                "login-no-cookies",
                LoginError::NoCookies {
                    own: "https://id.example.com",
                },
            ),
            ("login-busy", LoginError::Busy),
            ("login-wait", LoginError::TooManyFailures(437)),
        ] {
            add(
                name,
                Login {
                    error: Some(error),
                    ..login.clone()
                }
                .render(frame),
            );
        }
    }

    fn consent(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let scopes = self.scopes();
        let organizations = self.organizations();
        let consent = Consent {
            action: "/oauth/authorize",
            blob: &self.blob,
            parts: "q83vEjRWq83vEjRWq83vEjRWq83vEjRW",
            again: None,
            app_name: &self.app,
            app_owner: Some(&self.owner),
            reviewed: true,
            destination: Some(Destination::Web(self.host.clone())),
            code_is_useless: false,
            person_name: &self.person,
            person_email: &self.email,
            organizations: &[],
            organization: None,
            organization_missing: false,
            show_organization: Some(&self.organization),
            until: Until {
                unused: Some(3 * 86_400),
                at_most: None,
            },
            scopes: &scopes,
            pass: "01J9-4K",
            switch_account: "/switch",
        };
        add("consent", consent.render(frame));
        let choice = Consent {
            organizations: &organizations,
            show_organization: None,
            destination: Some(Destination::ThisDevice),
            reviewed: false,
            ..consent.clone()
        };
        add(
            "consent-choice",
            Consent {
                until: Until {
                    unused: Some(90),
                    at_most: Some(7200),
                },
                ..choice.clone()
            }
            .render(frame),
        );
        add(
            "consent-unchosen",
            Consent {
                organization_missing: true,
                ..choice.clone()
            }
            .render(frame),
        );
        for (name, again) in [
            ("consent-stale", Again::Stale),
            ("consent-ended", Again::Ended),
            ("consent-answered", Again::Answered),
            ("consent-otherwise", Again::Changed(Vec::new())),
            (
                "consent-changed",
                Again::Changed(vec![Part::App, Part::Target, Part::Organizations, Part::Permissions]),
            ),
        ] {
            add(
                name,
                Consent {
                    again: Some(&again),
                    organization: Some("hotel-noord"),
                    ..choice.clone()
                }
                .render(frame),
            );
        }
        let native = Consent {
            destination: Some(Destination::Scheme("com.example.app".into())),
            reviewed: false,
            ..consent.clone()
        };
        add("consent-native", native.render(frame));
        let plain = Consent {
            show_organization: None,
            app_owner: None,
            destination: None,
            ..consent
        };
        add(
            "consent-plain",
            Consent {
                scopes: &[],
                until: Until::default(),
                ..plain.clone()
            }
            .render(frame),
        );
        add(
            "consent-most",
            Consent {
                until: Until {
                    unused: None,
                    at_most: Some(3600),
                },
                ..plain
            }
            .render(frame),
        );
    }

    fn after_consent(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let mut connected = AlreadyConnected {
            app_name: &self.app,
            back: None,
        };
        add("already-connected-code", connected.render(frame));
        connected.back = Some(Back {
            href: "/account",
            app: &self.app,
            site: Some(&self.host),
        });
        add("already-connected", connected.render(frame));
        add("consent-done", ConsentDone { app_name: &self.app }.render(frame));
        add(
            "code",
            CodeCopy {
                app_name: &self.app,
                code: &self.code,
                expires: 60,
            }
            .render(frame),
        );
        add("denied", Denied { app_name: &self.app }.render(frame));
    }

    fn account(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let landing = Landing {
            metadata: "/.well-known/oauth-authorization-server",
        };
        add("landing", landing.render(frame));
        add(
            "landing-still-signed-in",
            landing.render(&Frame {
                notice: Some(Notice::StillSignedIn),
                ..*frame
            }),
        );
        add(
            "landing-signed-out",
            landing.render(&Frame {
                person: None,
                sign_out: "",
                ..*frame
            }),
        );
        let line = |role| OrganizationLine {
            slug: &self.slug,
            name: &self.organization,
            role,
            may_open: role != Role::Member,
        };
        let organizations = [line(Role::Owner), line(Role::Developer), line(Role::Member)];
        add(
            "account",
            Account {
                name: &self.person,
                email: Some(&self.email),
                organizations: &organizations,
            }
            .render(frame),
        );
        let scopes = [
            self.scope.clone(),
            "See your name, e\u{2011}mail address and language".to_owned(),
        ];
        let connection = Connection {
            app_name: &self.app,
            organization: Some(&self.organization),
            since: NOW - 21 * DAY,
            last_used: Some(NOW - 240_000),
            scopes: &scopes,
            copied: false,
            paused: false,
            blob: &self.blob,
            app_id: &self.client_id,
            organization_id: &self.slug,
        };
        let forgotten = Connection {
            app_name: "Kitchen Sync",
            last_used: Some(NOW - 160 * DAY),
            organization: None,
            copied: true,
            ..connection
        };
        let new = Connection {
            app_name: "…",
            last_used: None,
            scopes: &[],
            paused: true,
            ..connection
        };
        let reasons = [
            EndReason::ByPerson,
            EndReason::CodeReplayed,
            EndReason::RefreshReused,
            EndReason::Expired,
            EndReason::ByOperator,
            EndReason::ByApp,
            EndReason::Replaced,
            EndReason::MembershipEnded,
        ];
        let ended = reasons.map(|reason| EndedLine {
            app_name: &self.app,
            organization: Some(&self.organization),
            ended_at: NOW - 90 * DAY,
            reason: Some(reason),
        });
        let pages = several();
        let apps = ConnectedApps {
            pages: &pages,
            connections: &[connection, forgotten, new],
            ask_again: None,
            ended: &ended,
            just_ended: Some(&self.app),
            now: NOW,
        };
        add("connected", apps.render(frame));
        let interrupted = ConnectedApps {
            ask_again: Some(&connection),
            just_ended: None,
            ..apps
        };
        add(
            "connected-interrupted",
            interrupted.render(&Frame {
                notice: Some(Notice::NothingDone),
                ..*frame
            }),
        );
        add(
            "connected-none",
            ConnectedApps {
                pages: &Pages::default(),
                connections: &[],
                ask_again: None,
                ended: &[],
                just_ended: None,
                now: NOW,
            }
            .render(frame),
        );
    }

    fn lines(&self) -> [AppLine<'_>; 3] {
        let line = |status| AppLine {
            client_id: &self.client_id,
            name: &self.app,
            organization: Some(&self.organization),
            status,
            created: NOW - 21 * DAY,
        };
        [
            line(AppStatus::Live),
            line(AppStatus::Draft),
            line(AppStatus::Suspended),
        ]
    }

    fn registration(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let organizations = self.organizations();
        add(
            "developer",
            AppsList {
                pages: &Pages::default(),
                apps: &self.lines(),
                registration: RegistrationRight::Open,
            }
            .render(frame),
        );
        for (name, registration) in [
            ("developer-full", RegistrationRight::Full { limit: 100 }),
            (
                "developer-ask-owner",
                RegistrationRight::AskToBeDeveloper { has_owner: true },
            ),
            (
                "developer-ask-operator",
                RegistrationRight::AskToBeDeveloper { has_owner: false },
            ),
            ("developer-closed", RegistrationRight::Closed),
        ] {
            let none = AppsList {
                pages: &several(),
                apps: &[],
                registration,
            };
            add(name, none.render(frame));
        }
        let scope = |chosen| ScopeChoice {
            name: "checks",
            title: &self.scope,
            chosen,
        };
        let scopes = [scope(true), scope(false)];
        let fields = AppFields {
            name: "",
            redirect_uris: "",
            localhost_any_port: false,
            scopes: &scopes,
            errors: AppFieldErrors::default(),
            code_page: true,
        };
        let new = AppNew {
            blob: &self.blob,
            organizations: &organizations[..1],
            organization: None,
            from_settings: false,
            client_type: ClientType::Confidential,
            fields,
            wrong_organization: false,
            full: None,
        };
        let typed = AppFields {
            name: &self.app,
            redirect_uris: &self.uri,
            ..fields
        };
        add("app-new", new.render(frame));
        add(
            "app-new-unreadable",
            new.render(&Frame {
                notice: Some(Notice::Unreadable),
                ..*frame
            }),
        );
        let kept = AppNew {
            fields: typed,
            ..new.clone()
        };
        add(
            "app-new-kept",
            kept.render(&Frame {
                notice: Some(Notice::Kept),
                ..*frame
            }),
        );
        add(
            "app-new-choice",
            AppNew {
                organizations: &organizations,
                fields: AppFields { scopes: &[], ..fields },
                ..new.clone()
            }
            .render(frame),
        );
        let malformed = [
            Malformed::NotAbsolute,
            Malformed::Fragment,
            Malformed::PlainHttp,
            Malformed::Scheme,
            Malformed::SchemeUnlisted,
            Malformed::SchemeNotPublic,
            Malformed::UserInfo,
            Malformed::Several,
            Malformed::Character,
            Malformed::TooLong,
        ];
        let fault = |uri, why| RefusedRedirectUri { uri, why };
        let mut uris = vec![
            fault("", RedirectUriFault::Missing),
            fault(&self.uri, RedirectUriFault::Duplicate),
            fault(&self.uri, RedirectUriFault::TooMany),
            fault("https://*.example/", RedirectUriFault::Malformed(Malformed::Character)),
        ];
        uris.extend(malformed.map(|error| fault(&self.uri, RedirectUriFault::Malformed(error))));
        for (name, fault) in [
            ("app-new-wrong", NameFault::Missing),
            ("app-new-long", NameFault::TooLong),
            ("app-new-odd", NameFault::Unreadable(NameError::Invisible('\u{200b}'))),
            ("app-new-no-letter", NameFault::Unreadable(NameError::NoLetter)),
            ("app-new-marks", NameFault::Unreadable(NameError::Marks)),
            ("app-new-brand", NameFault::Brand),
            ("app-new-taken", NameFault::Taken),
        ] {
            let errors = AppFieldErrors {
                name: Some(fault),
                redirect_uris: &uris,
                more_redirect_uris: 1_234,
                localhost_any_port: true,
                scope: true,
            };
            let wrong = AppNew {
                organizations: &organizations,
                organization: Some(&self.slug),
                from_settings: true,
                client_type: ClientType::Public,
                fields: AppFields {
                    localhost_any_port: true,
                    code_page: false,
                    errors,
                    ..typed
                },
                wrong_organization: true,
                full: Some(100),
                ..new.clone()
            };
            add(name, wrong.render(frame));
        }
    }

    fn app(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let current = SecretLine {
            hint: Some("q7Xd"),
            created: NOW - 21 * DAY,
            last_used: Some(NOW - 4000),
            expires: None,
            end_blob: None,
        };
        let old = SecretLine {
            hint: Some("m2Lp"),
            last_used: Some(NOW - 660_000),
            expires: Some(NOW + DAY),
            end_blob: Some(&self.blob),
            ..current
        };
        let unused = SecretLine {
            hint: None,
            last_used: None,
            ..current
        };
        let scopes = self.scopes();
        let uris = [(self.uri.as_str(), false), ("http://127.0.0.1/cb", true)];
        let uris = uris.map(|(uri, any_port)| UriLine { uri, any_port });
        let app = AppPage {
            client_id: &self.client_id,
            name: &self.app,
            organization: Some(&self.organization),
            status: AppStatus::Live,
            client_type: ClientType::Confidential,
            redirect_uris: &uris,
            scopes: &scopes,
            secrets: &[current, old],
            done: None,
            news: None,
            connected: Connected {
                people: 1204,
                at_least: true,
            },
            flow: Flow {
                authorization_url: "https://housecheck.example/oauth/authorize",
                token_url: "https://api.housecheck.example/oauth/token",
                identity_url: "https://api.housecheck.example/oauth/identity",
                client_id: &self.client_id,
                confidential: true,
                redirect_uri: Some(&self.uri),
                scope: "houses reports",
                pkce: true,
            },
            blob: &self.blob,
            now: NOW,
        };
        add("app", app.render(frame));
        for (name, done) in [
            ("app-changed", AppDone::Changed),
            ("app-secret-ended", AppDone::SecretEnded),
        ] {
            let done = Some(done);
            add(name, AppPage { done, ..app.clone() }.render(frame));
        }
        for (name, others) in [
            ("app-fresh-second", OldSecrets::Stay),
            ("app-fresh-instead", OldSecrets::Ended),
            ("app-fresh-overlap", OldSecrets::EndAt(NOW + DAY)),
        ] {
            let made = SecretNews::Made {
                secret: &self.code,
                others,
            };
            let news = Some(made);
            add(name, AppPage { news, ..app.clone() }.render(frame));
        }
        add(
            "app-old-in-use",
            AppPage {
                secrets: &[unused, old],
                ..app.clone()
            }
            .render(frame),
        );
        let lasting = SecretLine {
            end_blob: Some(&self.blob),
            ..unused
        };
        for (name, news) in [
            ("app-two-secrets", SecretNews::TwoLive),
            ("app-last-secret", SecretNews::LastOne),
        ] {
            let two = AppPage {
                secrets: &[lasting, lasting],
                news: Some(news),
                ..app.clone()
            };
            add(name, two.render(frame));
        }
        let fresh = AppPage {
            news: Some(SecretNews::Made {
                secret: &self.code,
                others: OldSecrets::None,
            }),
            secrets: &[unused],
            connected: Connected {
                people: 0,
                at_least: false,
            },
            ..app.clone()
        };
        add(
            "app-fresh",
            AppPage {
                status: AppStatus::Draft,
                ..fresh
            }
            .render(frame),
        );
        let bare = AppPage {
            redirect_uris: &[],
            scopes: &[],
            secrets: &[],
            organization: None,
            ..app
        };
        add(
            "app-public",
            AppPage {
                client_type: ClientType::Public,
                status: AppStatus::Suspended,
                ..bare
            }
            .render(frame),
        );
    }

    fn app_changes(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let scopes = [ScopeChoice {
            name: "checks",
            title: &self.scope,
            chosen: true,
        }];
        let change = AppChange {
            blob: &self.blob,
            client_id: &self.client_id,
            name: &self.app,
            client_type: ClientType::Public,
            vouched_for: true,
            fields: AppFields {
                name: &self.app,
                redirect_uris: &self.uri,
                localhost_any_port: true,
                scopes: &scopes,
                code_page: false,
                errors: AppFieldErrors::default(),
            },
        };
        add("app-change", change.render(frame));
        let uris = [RefusedRedirectUri {
            uri: &self.uri,
            why: RedirectUriFault::Malformed(Malformed::PlainHttp),
        }];
        let errors = AppFieldErrors {
            name: Some(NameFault::Taken),
            redirect_uris: &uris,
            scope: true,
            ..AppFieldErrors::default()
        };
        let wrong = AppChange {
            client_type: ClientType::Confidential,
            fields: AppFields {
                errors,
                ..change.fields
            },
            ..change
        };
        add("app-change-wrong", wrong.render(frame));
        let ending = |people, at_least, secrets| DeletionToll {
            connected: Connected { people, at_least },
            secrets,
        };
        let delete = AppDelete {
            blob: &self.blob,
            client_id: &self.client_id,
            name: &self.app,
            confidential: true,
            ending: ending(1204, true, 2),
            declared: true,
        };
        add("app-delete", delete.render(frame));
        let unused = AppDelete {
            confidential: false,
            ending: ending(0, false, 0),
            declared: false,
            ..delete
        };
        add("app-delete-unused", unused.render(frame));
        for (name, ended) in [
            ("app-deleted", Some(ending(1204, true, 2))),
            ("app-deleted-unused", Some(ending(0, false, 1))),
            ("app-deleted-before", None),
        ] {
            let name_of_app = &self.app;
            let deleted = AppDeleted {
                name: name_of_app,
                ended,
            };
            add(name, deleted.render(frame));
        }
    }

    fn organization(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let member = |role| MemberLine {
            name: &self.person,
            email: &self.email,
            role,
        };
        let others = several();
        let settings = OrganizationSettings {
            pages: &others,
            slug: &self.slug,
            name: &self.organization,
            kind: OrganizationKind::Live,
            members: Some(&[member(Role::Owner), member(Role::Developer), member(Role::Member)]),
            apps: &self.lines(),
            may_register: true,
            tab: Tab::General,
        };
        add("organization", settings.render(frame));
        let of_developer = OrganizationSettings {
            members: None,
            ..settings.clone()
        };
        add("organization-developer", of_developer.render(frame));
        add(
            "organization-api",
            OrganizationSettings {
                tab: Tab::ApiSettings,
                ..settings.clone()
            }
            .render(frame),
        );
        let sandbox = OrganizationSettings {
            kind: OrganizationKind::Sandbox,
            may_register: false,
            apps: &[],
            ..settings
        };
        add("organization-sandbox", sandbox.render(frame));
        add(
            "organization-sandbox-api",
            OrganizationSettings {
                tab: Tab::ApiSettings,
                ..sandbox.clone()
            }
            .render(frame),
        );
    }

    fn errors(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let request = ErrorKind::AuthorizationRequest {
            error: "invalid_request",
            description: &self.description,
            redirect_uri: Some(&self.uri),
        };
        let kinds = [
            (404, ErrorKind::NotFound),
            (405, ErrorKind::MethodNotAllowed),
            (400, request),
            (403, ErrorKind::AppSuspended),
            (
                403,
                ErrorKind::ForeignOrigin {
                    seen: "http://192.168.178.20:8080",
                    own: "https://id.example.com",
                },
            ),
            (
                403,
                ErrorKind::HiddenOrigin {
                    own: "https://id.example.com",
                },
            ),
            (
                421,
                ErrorKind::ForeignHost {
                    seen: "192.168.178.20:8080",
                    own: "http://localhost:8080",
                },
            ),
            (400, ErrorKind::Stale),
            (400, ErrorKind::NoSuchPart { first: "/developer" }),
            (
                403,
                ErrorKind::NotAMember {
                    app: &self.app,
                    organization: &self.organization,
                },
            ),
            (403, ErrorKind::NoOrganization),
            (413, ErrorKind::TooLarge),
            (400, ErrorKind::BadForm),
            (400, ErrorKind::NotText),
            (429, ErrorKind::AllowedTooOften { app: "Reading Planner" }),
            (503, ErrorKind::Unavailable),
            (403, ErrorKind::Forbidden),
            (500, ErrorKind::Internal),
        ];
        for (number, (status, kind)) in kinds.into_iter().enumerate() {
            let back = (number % 2 == 0).then_some(Back {
                href: "/account",
                app: &self.person,
                site: (number % 4 == 0).then_some(self.host.as_str()),
            });
            let other = matches!(
                kind,
                ErrorKind::NotAMember { .. } | ErrorKind::NoOrganization | ErrorKind::Forbidden
            );
            let switch = other.then_some(SwitchAccount {
                action: "/switch",
                blob: &self.blob,
            });
            let error = Error {
                status,
                kind,
                back,
                switch,
            };
            pages.push((format!("error-{number}"), error.render(frame)));
        }
    }
}
