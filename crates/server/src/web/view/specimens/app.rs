//! The page of an app, and the pages that change or delete it.

use super::{DAY, NOW, Texts};
use crate::apps::registration::{NameFault, RedirectUriFault};
use crate::store::Connected;
use crate::store::model::{AppStatus, ClientType};
use crate::web::view::{
    AppChange, AppDelete, AppDeleted, AppDone, AppFieldErrors, AppFields, AppPage, DeletionToll, Flow, Frame,
    OldSecrets, RefusedRedirectUri, ScopeChoice, SecretLine, SecretNews, UriLine,
};
use hallpass_wire::redirect_uri::RedirectUriError as Malformed;

impl Texts {
    pub(super) fn app(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
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
            of_organization: false,
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
                of_organization: true,
                status: AppStatus::Suspended,
                ..bare
            }
            .render(frame),
        );
    }

    pub(super) fn app_changes(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
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
}
