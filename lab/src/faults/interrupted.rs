//! Migrations on PostgreSQL that are interrupted and run again: after any interruption, the tables are then complete.
//!
//! The database interrupts at statements: it ends the session after the nth definition. The proxy interrupts at messages:
//! before one arrives, or before its answer arrives.

use super::dice::Dice;
use crate::Outcome;
use crate::nodes::proxy::{Proxy, Weather};
use crate::nodes::{DATABASE, SETTINGS, address};
use crate::world::World;
use hallpass_cluster::{Cluster, let_others_through};
use std::net::SocketAddr;
use std::path::Path;

/// More than the possible number of interruptions.
const PLACES: usize = 500;

/// Ends the session at its `$`th definition. A sequence is not rolled back with the transaction.
const CUT: &str = "CREATE SEQUENCE cut;
CREATE FUNCTION cut() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN
  IF nextval(''cut'') = $ THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF; END';
CREATE EVENT TRIGGER cut ON ddl_command_end EXECUTE FUNCTION cut()";

/// The definition of the tables: columns, indexes, and recorded migrations.
const TABLES: &str = "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns \
     WHERE table_schema = 'public' ORDER BY 1, 2; \
     SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1; \
     SELECT version, checksum FROM refinery_schema_history ORDER BY 1";

/// Interrupts at each place, or at one of every `one_in`.
pub(super) async fn run(hallpass: &Path, one_in: u64, dice: &mut Dice) -> Outcome {
    let folder = tempfile::tempdir()?;
    let_others_through(folder.path())?;
    let cluster = Cluster::start(&folder.path().join("postgres"), &SETTINGS)?;
    let trial = Trial {
        cluster: &cluster,
        hallpass,
        folder: folder.path(),
    };
    let whole = trial.undisturbed()?;
    let one_in = usize::try_from(one_in)?;
    let (mut statements, mut messages) = (0, 0);
    for place in (1..PLACES).step_by(one_in) {
        if !trial.statement(place, &whole)? {
            break;
        }
        statements += 1;
    }
    for place in (dice.below(one_in)..PLACES).step_by(one_in) {
        let before = trial.message(place, Weather::EndsBefore(place), &whole).await?;
        let after = trial.message(place, Weather::EndsAfter(place), &whole).await?;
        if !before && !after {
            break;
        }
        messages += 1;
    }
    println!("  migrations interrupted at {statements} statements and {messages} messages, and run again");
    match statements.min(messages) {
        0 => Err("no migration was interrupted".into()),
        _ => Ok(()),
    }
}

/// The databases to migrate.
struct Trial<'a> {
    cluster: &'a Cluster,
    hallpass: &'a Path,
    folder: &'a Path,
}

impl Trial<'_> {
    /// The tables after a migration without interruption.
    fn undisturbed(&self) -> Outcome<String> {
        self.database("whole")?;
        self.again("whole", None)
    }

    /// Interrupts at this definition. Returns whether the session was ended.
    fn statement(&self, place: usize, whole: &str) -> Outcome<bool> {
        let name = format!("statement{place}");
        self.database(&name)?;
        self.cluster.sql(&name, &CUT.replace('$', &place.to_string()))?;
        let interrupted = !self.migrate(&name, address(self.cluster))?;
        // Past the last definition the first run is not interrupted. Then the second run must not be either.
        self.cluster.sql(&name, "DROP EVENT TRIGGER cut")?;
        self.again(&name, Some(whole))?;
        Ok(interrupted)
    }

    /// Interrupts at this message. Returns whether a connection was ended.
    async fn message(&self, place: usize, weather: Weather, whole: &str) -> Outcome<bool> {
        let way = match weather {
            Weather::EndsBefore(_) => "before",
            _ => "after",
        };
        let name = format!("{way}{place}");
        self.database(&name)?;
        let proxy = Proxy::start(address(self.cluster)).await?;
        proxy.weather(weather);
        let interrupted = !self.migrate(&name, proxy.address)?;
        self.again(&name, Some(whole))?;
        Ok(interrupted)
    }

    fn database(&self, name: &str) -> Outcome {
        self.cluster.sql(DATABASE, &format!("CREATE DATABASE {name}"))?;
        Ok(())
    }

    /// Runs `hallpass migrate`. Returns whether it succeeded.
    fn migrate(&self, name: &str, database: SocketAddr) -> Outcome<bool> {
        let mut world = World::make(self.hallpass, &self.folder.join(name), "")?;
        let url = format!("postgres://postgres@{database}/{name}?sslmode=disable");
        world.set("STORE__URL", &url);
        Ok(world.command(&["migrate"]).output()?.status.success())
    }

    /// Migrates again without a fault, checks the tables, and drops the database.
    fn again(&self, name: &str, whole: Option<&str>) -> Outcome<String> {
        if !self.migrate(name, address(self.cluster))? {
            return Err(format!("after {name} the migration cannot be run again").into());
        }
        let tables = self.cluster.sql(name, TABLES)?;
        self.cluster.sql(DATABASE, &format!("DROP DATABASE {name} (FORCE)"))?;
        match whole {
            Some(whole) if whole != tables => Err(format!("after {name} the tables differ: {tables}").into()),
            _ => Ok(tables),
        }
    }
}
