//! Pages of a person's account and of organizations.

use super::{DAY, NOW, Texts, several};
use crate::store::model::{EndReason, OrganizationKind, Role};
use crate::web::view::{
    Account, ConnectedApps, Connection, EndedLine, Frame, GrantLine, GrantScope, GrantsDone, Landing, MemberLine,
    Notice, OrganizationGrants, OrganizationLine, OrganizationSettings, Pages, SetUp, Tab,
};

impl Texts {
    pub(super) fn account(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
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

    pub(super) fn organization(&self, frame: &Frame<'_>, pages: &mut Vec<(String, String)>) {
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
            grants: OrganizationGrants {
                lines: &[],
                blob: Some(&self.blob),
                done: None,
                now: NOW,
            },
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
        self.grants(frame, &settings, pages);
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
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

    fn grants(&self, frame: &Frame<'_>, settings: &OrganizationSettings<'_>, pages: &mut Vec<(String, String)>) {
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let scopes = ["a", "b"].map(|id| GrantScope {
            id,
            name: "checks",
            title: &self.scope,
        });
        let grant = |id, set_up| GrantLine {
            id,
            app_name: &self.app,
            app_owner: Some(&self.owner),
            since: NOW - 40 * DAY,
            last_used: Some(NOW - DAY),
            scopes: &[],
            copied: false,
            paused: false,
            set_up,
        };
        let by = |left| SetUp::By {
            name: &self.person,
            label: &self.email,
            left,
        };
        let lines = [
            GrantLine {
                scopes: &scopes,
                ..grant("1", by(false))
            },
            GrantLine {
                copied: true,
                paused: true,
                ..grant("2", by(true))
            },
            grant("3", SetUp::Gone),
            grant("4", SetUp::You),
        ];
        let shown = OrganizationSettings {
            tab: Tab::ConnectedApps,
            grants: OrganizationGrants {
                lines: &lines,
                ..settings.grants
            },
            ..settings.clone()
        };
        add("organization-apps", shown.render(frame));
        for (name, done) in [
            ("organization-apps-ended", GrantsDone::Ended),
            ("organization-apps-taken-over", GrantsDone::TakenOver),
            ("organization-apps-narrowed", GrantsDone::Narrowed),
            ("organization-apps-gone", GrantsDone::Gone),
            ("organization-apps-none-left", GrantsDone::NoneLeft),
        ] {
            let grants = OrganizationGrants {
                lines: &[],
                done: Some(done),
                ..settings.grants
            };
            add(
                name,
                OrganizationSettings {
                    grants,
                    ..shown.clone()
                }
                .render(frame),
            );
        }
        let lines = [GrantLine {
            scopes: &scopes,
            ..grant("1", SetUp::Hidden)
        }];
        let grants = OrganizationGrants {
            lines: &lines,
            blob: None,
            ..settings.grants
        };
        add(
            "organization-apps-developer",
            OrganizationSettings { grants, ..shown }.render(frame),
        );
    }
}
