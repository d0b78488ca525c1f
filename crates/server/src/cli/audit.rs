//! `hallpass audit`.

use super::api::{ApiClient, ApiResponse};
use super::table::Table;
use super::{Failed, print};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

const COLUMNS: &[&str] = &[
    "id",
    "at",
    "actor",
    "action",
    "client_id",
    "user",
    "organization",
    "source",
    "detail",
];

/// The members for an event's objects: the present name, and the id, which remains after a deletion.
const NAMES: [(&str, &str); 3] = [
    ("client_id", "app_id"),
    ("user", "user_id"),
    ("organization", "organization_id"),
];

/// The time between two requests for new events.
const POLL: Duration = Duration::from_secs(1);
/// How much later than a younger event an event may appear: it has the time of its request, and appears with its commit.
const LATE: Duration = Duration::from_secs(60);
/// The number of events in each page that is read while following.
const PAGE: u32 = 1000;
/// The number of old events that `--follow` prints first.
const BEGIN: u32 = 10;

#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// List events, newest last
    List(List),
    /// Show an event, with the values before and after it
    Show {
        /// Id of the event
        event: String,
    },
}

#[derive(Args)]
pub(super) struct List {
    /// Only events about this app; name a deleted app by its id
    #[arg(long, value_name = "CLIENT_ID")]
    app: Option<String>,
    /// Only events about this person; name a deleted person by their id
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Only events about this organization; name a deleted organization by its id
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// Only events older than the one with this id
    #[arg(long, value_name = "EVENT", conflicts_with = "follow")]
    before: Option<String>,
    /// Maximum number of results, up to 1000; 100 by default, 10 with --follow
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u32>,
    /// Print new events as they come, until interrupted
    #[arg(long)]
    follow: bool,
}

pub(super) async fn run(api: &ApiClient, command: AuditCommand) -> Result<(), Failed> {
    match command {
        AuditCommand::List(list) if list.follow => follow(api, &list).await,
        AuditCommand::List(list) => {
            let page = api.list(&["audit"], &list.filters(list.limit)).await?;
            show(api, &newest_last(&page), true)
        }
        AuditCommand::Show { event } => api.get(&["audit", &event]).await?.print(),
    }
}

/// Prints the last events, then polls for ever and prints each new event once.
async fn follow(api: &ApiClient, list: &List) -> Result<(), Failed> {
    let begin = newest_last(&api.list(&["audit"], &list.filters(list.limit.or(Some(BEGIN)))).await?);
    show(api, &begin, true)?;
    let mut seen = Seen::beginning_with(&begin);
    loop {
        let (since, mut after) = (seen.from().to_string(), None);
        loop {
            let mut filters = list.filters(Some(PAGE));
            filters.extend([("since", Some(since.clone())), ("after", after)]);
            let page = api.list(&["audit"], &filters).await?;
            show(api, &seen.new_of(&events(&page)), false)?;
            after = page.next();
            if after.is_none() {
                break;
            }
        }
        seen.forget();
        tokio::time::sleep(POLL).await;
    }
}

/// The events that were printed, as far back as a late event can still appear.
struct Seen {
    printed: HashSet<Uuid>,
    newest: Uuid,
    /// Events up to this id existed at the beginning, whether they were printed or not.
    begin: Option<Uuid>,
}

impl Seen {
    fn beginning_with(events: &[Value]) -> Self {
        let printed: HashSet<Uuid> = events.iter().filter_map(id).collect();
        let newest = printed.iter().max().copied().unwrap_or_default();
        Self {
            printed,
            newest,
            begin: Some(newest),
        }
    }

    /// The id from which to continue reading.
    fn from(&self) -> Uuid {
        let millis = self.newest.as_u128() >> 80;
        Uuid::from_u128(millis.saturating_sub(LATE.as_millis()) << 80)
    }

    /// The events that were not printed yet. Events that `--limit` left out at the beginning stay unprinted.
    fn new_of(&mut self, page: &[Value]) -> Vec<Value> {
        let mut new = Vec::new();
        for event in page {
            let Some(id) = id(event) else { continue };
            let left_out = self.begin.is_some_and(|begin| id <= begin);
            if self.printed.insert(id) && !left_out {
                new.push(event.clone());
            }
            self.newest = self.newest.max(id);
        }
        new
    }

    /// Forgets events that are too old to be read again.
    fn forget(&mut self) {
        let from = self.from();
        self.printed.retain(|id| *id > from);
        self.begin = None;
    }
}

impl List {
    fn filters(&self, limit: Option<u32>) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("app", self.app.clone()),
            ("user", self.user.clone()),
            ("organization", self.organization.clone()),
            ("before", self.before.clone()),
            ("limit", limit.map(|limit| limit.to_string())),
        ]
    }
}

/// Prints one line per event: the server's JSON, or a row of a table.
fn show(api: &ApiClient, events: &[Value], header: bool) -> Result<(), Failed> {
    if api.json() {
        let lines = events.iter().map(|event| format!("{event}\n"));
        return print(&lines.collect::<String>());
    }
    let rows: Vec<Value> = events.iter().map(named).collect();
    let table = Table::new(COLUMNS).page(&Value::from(rows));
    match (header, table.split_once('\n')) {
        (false, Some((_, rows))) => print(rows),
        _ => print(&table),
    }
}

/// The event, with ids in place of the names of deleted objects.
fn named(event: &Value) -> Value {
    let mut event = event.clone();
    for (name, id) in NAMES {
        if event[name].is_null() {
            event[name] = event[id].clone();
        }
    }
    event
}

fn newest_last(page: &ApiResponse) -> Vec<Value> {
    let mut events = events(page);
    events.reverse();
    events
}

fn events(page: &ApiResponse) -> Vec<Value> {
    page.member("events")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn id(event: &Value) -> Option<Uuid> {
    Uuid::try_parse(event.get("id")?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// An event at this second, with a number that tells it from others.
    fn event(second: u128, number: u128) -> Value {
        let id = Uuid::from_u128((second * 1000) << 80 | number);
        json!({ "id": id.to_string() })
    }

    #[test]
    fn each_event_is_printed_once_however_late_it_comes() {
        let (first, second, late, third) = (event(100, 1), event(110, 2), event(105, 3), event(120, 4));
        let mut seen = Seen::beginning_with(&[first.clone(), second.clone()]);
        assert_eq!(seen.from(), Uuid::from_u128(50_000 << 80));
        assert_eq!(seen.new_of(&[first.clone(), second.clone()]), [] as [Value; 0]);
        seen.forget();
        let page = [first, late.clone(), second, third.clone()];
        assert_eq!(seen.new_of(&page), [late, third]);
        assert_eq!(seen.new_of(&page), [] as [Value; 0]);
        assert_eq!(seen.from(), Uuid::from_u128(60_000 << 80));
    }

    #[test]
    fn what_the_beginning_left_out_is_not_printed_later() {
        let (older, shown, newer) = (event(99, 1), event(100, 2), event(101, 3));
        let mut seen = Seen::beginning_with(std::slice::from_ref(&shown));
        let page = [older.clone(), shown.clone(), newer.clone()];
        assert_eq!(seen.new_of(&page), [newer]);
        seen.forget();
        assert_eq!(seen.new_of(&[older, shown]), [] as [Value; 0]);
    }

    #[test]
    fn what_cannot_come_again_is_forgotten() {
        let mut seen = Seen::beginning_with(&[event(100, 1)]);
        seen.new_of(&[event(200, 2)]);
        seen.forget();
        assert_eq!(seen.printed.len(), 1);
    }

    #[test]
    fn an_empty_log_is_followed_from_its_beginning() {
        let mut seen = Seen::beginning_with(&[]);
        assert_eq!(seen.from(), Uuid::nil());
        assert_eq!(seen.new_of(&[event(1, 1)]), [event(1, 1)]);
    }
}
