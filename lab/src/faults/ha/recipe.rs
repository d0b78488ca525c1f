//! The recipe for high availability, read from the page of the guide: the test uses what people copy. Only addresses, ports
//! and folders are replaced, and the watchdog is turned off, because it would reset this machine.

use crate::Outcome;
use hallpass_cluster::{free_port, programs};
use std::path::{Path, PathBuf};

const GUIDE: &str = include_str!("../../../../docs/guide/high-availability.md");

/// The number of machines of the database.
pub(super) const MACHINES: usize = 3;

/// The recipe for a folder on this machine.
pub(super) struct Recipe {
    folder: PathBuf,
    ports: Vec<Ports>,
}

/// The ports of a machine.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    etcd: u16,
    peers: u16,
    pub(super) patroni: u16,
    pub(super) postgres: u16,
}

impl Recipe {
    /// Chooses free ports.
    pub(super) fn new(folder: &Path) -> Outcome<Self> {
        let mut ports = Vec::new();
        for _ in 0..MACHINES {
            ports.push(Ports {
                etcd: free_port()?,
                peers: free_port()?,
                patroni: free_port()?,
                postgres: free_port()?,
            });
        }
        let folder = folder.to_owned();
        Ok(Self { folder, ports })
    }

    /// The ports of each machine.
    pub(super) fn ports(&self) -> &[Ports] {
        &self.ports
    }

    /// The folder of a machine.
    pub(super) fn machine(&self, machine: usize) -> PathBuf {
        self.folder.join(name(machine))
    }

    /// The folder that the servers of Hallpass share.
    pub(super) fn hallpass(&self) -> PathBuf {
        self.folder.join("hallpass")
    }

    /// The block `title` of the guide for one machine: with its own name and address, and with the addresses of all
    /// machines where the guide names all.
    pub(super) fn on(&self, machine: usize, title: &str) -> Outcome<String> {
        let lines = block(title)?.lines().map(|line| {
            if line.contains(&address(1)) {
                line.to_owned()
            } else {
                line.replace(&name(0), &name(machine))
                    .replace(&address(0), &address(machine))
            }
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let folder = self.machine(machine);
        let own = |text: String, path: &str, place: &str| text.replace(path, &folder.join(place).to_string_lossy());
        let text = own(text, "/var/lib/etcd/hallpass", "etcd");
        let text = own(text, "/var/lib/postgresql/15/hallpass", "data");
        let text = own(text, "/var/lib/postgresql/pgpass", "pgpass");
        let text = own(text, "/var/run/postgresql", "");
        let text = own(text, "/etc/patroni/", "");
        let text = text.replace("/usr/lib/postgresql/15/bin", &programs()?.to_string_lossy());
        Ok(self.here(text.replace("mode: required", "mode: off")))
    }

    /// The block `title` of the guide, the same for all machines.
    pub(super) fn shared(&self, title: &str) -> Outcome<String> {
        let folder = format!("{}/", self.hallpass().display());
        Ok(self.here(block(title)?.replace("/etc/hallpass/", &folder)))
    }

    /// The value of a key in the block `title` of the guide.
    pub(super) fn value(&self, title: &str, key: &str) -> Outcome<String> {
        let text = self.shared(title)?;
        let found = text.lines().find_map(|line| line.trim().strip_prefix(key));
        let value = found.map(|value| value.trim_matches([' ', ':', '=', '"', '\'', ';']));
        Ok(value
            .ok_or_else(|| format!("the guide has no {key} in {title}"))?
            .to_owned())
    }

    fn here(&self, mut text: String) -> String {
        for (machine, ports) in self.ports.iter().enumerate() {
            let standard = [
                (2379, ports.etcd),
                (2380, ports.peers),
                (8008, ports.patroni),
                (5432, ports.postgres),
            ];
            for (from, to) in standard {
                text = text.replace(&format!("{}:{from}", address(machine)), &format!("127.0.0.1:{to}"));
            }
            text = text.replace(&address(machine), "127.0.0.1");
        }
        text.replace("10.0.0.0/24", "127.0.0.1/32")
    }
}

/// The name of a machine.
pub(super) fn name(machine: usize) -> String {
    format!("db{}", machine + 1)
}

fn address(machine: usize) -> String {
    format!("10.0.0.1{}", machine + 1)
}

/// A block of the guide, found by the line before it.
fn block(title: &str) -> Outcome<&'static str> {
    let missing = || format!("the guide has no {title}");
    let (_, rest) = GUIDE.split_once(&format!("`{title}`:\n\n```")).ok_or_else(missing)?;
    let (_, rest) = rest.split_once('\n').ok_or_else(missing)?;
    let (block, _) = rest.split_once("```").ok_or_else(missing)?;
    Ok(block)
}
