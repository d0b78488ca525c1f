//! Pages of the sign-in and of the consent.

use super::Texts;
use crate::web::view::{
    Again, AlreadyConnected, Back, CodeCopy, Consent, ConsentDone, Denied, Frame, Interrupted, Login, LoginError, Part,
    SiteReturn, SiteReturnKind, Until,
};
use hallpass_wire::redirect_uri::Destination;

impl Texts {
    pub(super) fn login(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let login = Login {
            action: "/login",
            blob: &self.blob,
            app_name: Some(&self.app),
            username: &self.email,
            error: None,
            interrupted: None,
            site: None,
        };
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let site = Some(("/handover/begin?place=%2Faccount", self.host.as_str()));
        add("login-site", Login { site, ..login.clone() }.render(frame));
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

    pub(super) fn consent(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
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
            of_organization: false,
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
        let of_organization = Consent {
            of_organization: true,
            organizations: &organizations[..1],
            ..consent.clone()
        };
        add("consent-of-organization", of_organization.render(frame));
        add(
            "consent-of-organizations",
            Consent {
                of_organization: true,
                ..choice.clone()
            }
            .render(frame),
        );
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

    pub(super) fn after_consent(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
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

    pub(super) fn site_returns(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
        let (own, person) = ("https://id.example.com", self.person.as_str());
        for (name, kind) in [
            ("unknown", SiteReturnKind::Unknown),
            ("expired", SiteReturnKind::Expired),
            ("spent", SiteReturnKind::Spent),
            ("late", SiteReturnKind::Late),
            ("other-browser", SiteReturnKind::OtherBrowser),
            ("no-cookies", SiteReturnKind::NoCookies { own }),
            ("refused", SiteReturnKind::Refused),
            ("still", SiteReturnKind::StillSignedIn { person }),
            ("suspended", SiteReturnKind::Suspended),
            ("ended", SiteReturnKind::Ended),
        ] {
            let is = |of: SiteReturnKind<'_>| kind == of;
            let page = SiteReturn {
                status: 400,
                kind,
                message: is(SiteReturnKind::Refused).then_some(self.description.as_str()),
                back: is(SiteReturnKind::Refused).then_some(Back {
                    href: &self.uri,
                    app: &self.app,
                    site: Some(&self.host),
                }),
                again: (!is(SiteReturnKind::Unknown)).then_some("/oauth/authorize?client_id=1"),
                sign_out: is(SiteReturnKind::StillSignedIn { person }).then_some("https://www.example.com/logout"),
            };
            pages.push((format!("site-{name}"), page.render(frame)));
        }
    }
}
