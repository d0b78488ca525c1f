//! Three machines, simulated on this one. A process whose working directory is in a machine's folder belongs to that
//! machine, and is killed with it, by its process id.

use super::recipe::{MACHINES, Ports, Recipe, name};
use crate::Outcome;
use crate::http::{Answer, Connection, Sent};
use hallpass_cluster::{hand_over, let_others_through, programs, signal, unprivileged};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How long the machines may take to reach a state.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a Patroni may take to answer.
const ANSWERS: Duration = Duration::from_secs(1);
/// Kills the processes that work in these folders when its standard input is closed. Patroni's PostgreSQL is not a child of
/// Patroni, and would survive otherwise.
const GUARD: &str = r#"cat > /dev/null
for round in 1 2 3; do
  for process in /proc/[0-9]*; do
    place=$(readlink "$process/cwd")
    for folder in "$@"; do
      case "$place/" in "$folder"/*) kill -KILL "${process#/proc/}" ;; esac
    done
  done
  sleep 1
done"#;

/// The machines of the database.
pub(super) struct Machines {
    pub(super) recipe: Recipe,
    machines: Vec<Machine>,
    /// Ends when this process ends in any way.
    _guard: Child,
}

/// One machine: etcd, Patroni and PostgreSQL.
struct Machine {
    folder: PathBuf,
    patroni: Option<Child>,
    etcd: Option<Child>,
}

/// The state of the cluster, as its machines report it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct View {
    pub(super) leader: Option<usize>,
    /// The standby that may take over.
    pub(super) synchronous: Option<usize>,
    /// The number of running machines, including the leader.
    running: usize,
}

impl Machines {
    /// Creates and starts the machines.
    pub(super) async fn start(folder: &Path) -> Outcome<Self> {
        let_others_through(folder)?;
        // The canonical path, as the system reports it for working directories.
        let recipe = Recipe::new(&folder.canonicalize()?)?;
        certify(&recipe)?;
        let mut machines = Vec::new();
        for number in 0..MACHINES {
            machines.push(Machine::make(&recipe, number)?);
        }
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]);
        guard.args(machines.iter().map(|machine| &machine.folder));
        let guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut machines = Self {
            recipe,
            machines,
            _guard: guard.spawn()?,
        };
        for number in 0..MACHINES {
            machines.revive(number)?;
        }
        machines.whole().await?;
        Ok(machines)
    }

    /// Kills a machine.
    pub(super) fn kill(&mut self, machine: usize) -> Outcome {
        self.machine(machine)?.kill()
    }

    /// Starts a machine again, with the same disk.
    pub(super) fn revive(&mut self, machine: usize) -> Outcome {
        let etcd = self.recipe.on(machine, "/etc/default/etcd")?;
        let machine = self.machine(machine)?;
        let settings = etcd.lines().filter_map(|line| line.split_once('='));
        let mut etcd = unprivileged(Path::new("etcd"))?;
        etcd.envs(settings);
        machine.etcd = Some(machine.spawn(etcd, "etcd.log")?);
        let mut patroni = unprivileged(Path::new("patroni"))?;
        patroni.arg(machine.folder.join("config.yml"));
        machine.patroni = Some(machine.spawn(patroni, "patroni.log")?);
        Ok(())
    }

    /// Sends a signal to the Patroni of a machine, and to no other process.
    pub(super) fn signal_patroni(&mut self, machine: usize, name: &str) -> Outcome {
        let patroni = self.machine(machine)?.patroni.as_ref();
        Ok(signal(
            patroni.ok_or("Patroni does not run on this machine")?.id(),
            name,
        )?)
    }

    /// Sends a signal to all processes of a machine.
    pub(super) fn signal(&mut self, machine: usize, name: &str) -> Outcome {
        let found = working_in(&self.machine(machine)?.folder)?;
        // A process that has ended in the meantime needs no signal.
        Command::new("kill")
            .arg(format!("-{name}"))
            .args(&found)
            .stderr(Stdio::null())
            .status()?;
        Ok(())
    }

    /// Asks Patroni for another leader.
    pub(super) fn switch_over(&mut self, machine: usize) -> Outcome {
        let config = self.machine(machine)?.folder.join("config.yml");
        let said = unprivileged(Path::new("patronictl"))?
            .arg("-c")
            .arg(config)
            .args(["switchover", "--force"])
            .output()?;
        let text = String::from_utf8_lossy(&said.stdout);
        match text.contains("Successfully switched over") {
            true => Ok(()),
            false => Err(format!(
                "the switchover failed: {text} {}",
                String::from_utf8_lossy(&said.stderr)
            )
            .into()),
        }
    }

    /// Runs statements at the leader.
    pub(super) fn sql(&self, machine: usize, statements: &str) -> Outcome {
        let port = self.recipe.ports().get(machine).ok_or("no such machine")?.postgres;
        let authority = self.recipe.hallpass().join("ca.crt");
        let address = format!(
            "host=127.0.0.1 port={port} user=postgres dbname=postgres sslmode=verify-full sslrootcert={}",
            authority.display()
        );
        let config = self.recipe.on(machine, "/etc/patroni/config.yml")?;
        let password = config
            .split_once("username: postgres, password: ")
            .and_then(|(_, rest)| Some(rest.split_once('}')?.0));
        let mut psql = Command::new(programs()?.join("psql"));
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--dbname",
            &address,
        ]);
        for statement in statements.lines().filter(|line| !line.is_empty()) {
            psql.args(["--command", statement]);
        }
        let said = psql.env("PGPASSWORD", password.ok_or("no password")?).output()?;
        match said.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&said.stderr).into()),
        }
    }

    /// The state, from the first machine that answers.
    pub(super) async fn view(&self) -> View {
        for ports in self.recipe.ports() {
            if let Ok(answer) = ask(*ports, "/cluster").await
                && let Ok(cluster) = serde_json::from_slice(&answer.body)
            {
                return View::read(&cluster);
            }
        }
        View::default()
    }

    /// Waits until all machines run, one leads and one may take over.
    pub(super) async fn whole(&self) -> Outcome<View> {
        // The other machines may report the state of a machine from before its death.
        let begun = Instant::now();
        for ports in self.recipe.ports() {
            while !ask(*ports, "/health").await.is_ok_and(|answer| answer.status == 200) {
                if begun.elapsed() > PATIENCE {
                    return Err("a machine did not become healthy in time".into());
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
        self.wait(|view| view.leader.is_some() && view.synchronous.is_some() && view.running == MACHINES)
            .await
    }

    /// Waits until the state satisfies `so`.
    pub(super) async fn wait(&self, so: impl Fn(View) -> bool) -> Outcome<View> {
        let begun = Instant::now();
        loop {
            let view = self.view().await;
            if so(view) {
                return Ok(view);
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("the machines did not reach the expected state: {view:?}").into());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn machine(&mut self, machine: usize) -> Outcome<&mut Machine> {
        Ok(self.machines.get_mut(machine).ok_or("there is no such machine")?)
    }
}

/// Asks the Patroni of a machine.
async fn ask(ports: Ports, path: &str) -> Outcome<Answer> {
    let asked = async {
        let mut patroni = Connection::open(SocketAddr::from(([127, 0, 0, 1], ports.patroni))).await?;
        patroni.send(path, Sent::default()).await
    };
    timeout(ANSWERS, asked).await?
}

impl View {
    fn read(cluster: &serde_json::Value) -> Self {
        let mut view = Self::default();
        let members = cluster.get("members").and_then(|members| members.as_array());
        for member in members.into_iter().flatten() {
            let text = |key: &str| member.get(key).and_then(|value| value.as_str()).unwrap_or_default();
            let number = (0..MACHINES).find(|number| name(*number) == text("name"));
            match text("role") {
                "leader" => view.leader = number,
                "sync_standby" => view.synchronous = number,
                _ => {}
            }
            // A standby that does not follow yet reports no lag.
            let follows = text("role") == "leader" || member.get("lag").is_some_and(serde_json::Value::is_number);
            if ["running", "streaming"].contains(&text("state")) && follows {
                view.running += 1;
            }
        }
        view
    }
}

impl Machine {
    fn make(recipe: &Recipe, number: usize) -> Outcome<Self> {
        let folder = recipe.machine(number);
        let config = folder.join("config.yml");
        fs::write(&config, recipe.on(number, "/etc/patroni/config.yml")?)?;
        for file in [
            &config,
            &folder.join(format!("{}.key", name(number))),
            &folder.join(format!("{}.crt", name(number))),
            &folder,
        ] {
            hand_over(file)?;
        }
        Ok(Self {
            folder,
            patroni: None,
            etcd: None,
        })
    }

    fn spawn(&self, mut command: Command, log: &str) -> Outcome<Child> {
        let log = File::options().create(true).append(true).open(self.folder.join(log))?;
        let command = command.current_dir(&self.folder).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn();
        Ok(child.map_err(|error| format!("{error} (Debian: patroni, etcd-server)"))?)
    }

    /// Kills the processes of this machine until none is left.
    fn kill(&mut self) -> Outcome {
        loop {
            let found = working_in(&self.folder)?;
            if found.is_empty() {
                break;
            }
            // A process that has ended in the meantime is no error.
            Command::new("kill")
                .arg("-KILL")
                .args(&found)
                .stderr(Stdio::null())
                .status()?;
            for child in [&mut self.patroni, &mut self.etcd].into_iter().flatten() {
                child.try_wait()?;
            }
        }
        for mut child in [self.patroni.take(), self.etcd.take()].into_iter().flatten() {
            child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The processes whose working directory is in this folder.
fn working_in(folder: &Path) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let number = entry.file_name().to_string_lossy().into_owned();
        let place = fs::read_link(entry.path().join("cwd"));
        if number.parse::<u32>().is_ok() && place.is_ok_and(|place| place.starts_with(folder)) {
            found.push(number);
        }
    }
    Ok(found)
}

/// Makes the certificates of the guide: one in each machine's folder, and the authority's in Hallpass's folder.
fn certify(recipe: &Recipe) -> Outcome {
    let folder = recipe.hallpass();
    fs::create_dir_all(&folder)?;
    let script = recipe.shared("certificates.sh")?;
    let said = Command::new("sh")
        .args(["-e", "-c", &script])
        .current_dir(&folder)
        .output()?;
    if !said.status.success() {
        return Err(format!(
            "failed to make the certificates: {}",
            String::from_utf8_lossy(&said.stderr)
        )
        .into());
    }
    for number in 0..MACHINES {
        let machine = recipe.machine(number);
        fs::create_dir_all(&machine)?;
        fs::set_permissions(&machine, fs::Permissions::from_mode(0o700))?;
        for kind in ["crt", "key"] {
            let file = format!("{}.{kind}", name(number));
            fs::rename(folder.join(&file), machine.join(&file))?;
            fs::set_permissions(machine.join(&file), fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}
