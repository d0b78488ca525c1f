//! The data with which the gallery renders every page: ordinary data and hostile data.

#![allow(clippy::too_many_lines, reason = "lists of data, not logic")]

mod account;
mod app;
mod developer;
mod sign_in;

use super::{Back, ErrorKind, ErrorPage, Frame, Locale, OrganizationChoice, Pages, ScopeLine, SwitchAccount};

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
        self.site_returns(&self.frame(locale), &mut pages);
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
            (403, ErrorKind::OtherOrganizations { app: &self.app }),
            (
                403,
                ErrorKind::NotAnOwner {
                    app: &self.app,
                    organizations: &self.organization,
                },
            ),
            (503, ErrorKind::NotYet),
            (413, ErrorKind::TooLarge),
            (400, ErrorKind::BadForm),
            (400, ErrorKind::NotText),
            (429, ErrorKind::AllowedTooOften { app: "Reading Planner" }),
            (503, ErrorKind::Unavailable),
            (403, ErrorKind::Forbidden),
            (500, ErrorKind::Internal),
            (429, ErrorKind::ChangedTooOften),
        ];
        for (number, (status, kind)) in kinds.into_iter().enumerate() {
            let back = (number % 2 == 0).then_some(Back {
                href: "/account",
                app: &self.person,
                site: (number % 4 == 0).then_some(self.host.as_str()),
            });
            let other = matches!(
                kind,
                ErrorKind::NotAMember { .. }
                    | ErrorKind::NotAnOwner { .. }
                    | ErrorKind::NoOrganization
                    | ErrorKind::Forbidden
            );
            let switch = other.then_some(SwitchAccount {
                action: "/switch",
                blob: &self.blob,
            });
            let error = ErrorPage {
                status,
                kind,
                back,
                switch,
            };
            pages.push((format!("error-{number}"), error.render(frame)));
        }
    }
}
