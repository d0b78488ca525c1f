//! The list of a developer's apps, and the form of a new one.

use super::{DAY, NOW, Texts, several};
use crate::apps::names::NameError;
use crate::apps::registration::{NameFault, RedirectUriFault};
use crate::store::model::{AppStatus, ClientType};
use crate::web::view::{
    AppFieldErrors, AppFields, AppLine, AppNew, AppsList, Frame, Notice, Pages, RefusedRedirectUri, RegistrationRight,
    ScopeChoice,
};
use hallpass_wire::redirect_uri::RedirectUriError as Malformed;

impl Texts {
    pub(super) fn lines(&self) -> [AppLine<'_>; 3] {
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

    pub(super) fn registration(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
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
            "app-new-too-many-changes",
            kept.render(&Frame {
                notice: Some(Notice::TooManyChanges),
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
}
