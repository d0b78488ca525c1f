//! The use of the machine by a process and all its descendants, such as workers and database backends.

use crate::Outcome;
use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// A hundredth of a second: the unit in which Linux reports the times of a whole process.
const TICK: Duration = Duration::from_millis(10);

/// The processor time that the process and its descendants have used so far, in user and kernel mode. Ended processes count
/// too: a parent that waited for its child has the child's time.
pub(crate) fn cpu(root: u32) -> Outcome<Duration> {
    let processes = processes()?;
    let used = descendants(root, &processes).into_iter().filter_map(|id| {
        let times = &processes.get(&id)?.times;
        // The times of threads in nanoseconds leave out ended threads; the ticks include them. The larger value is closer
        // to the truth.
        Some(threads(id).max(times.own) + times.ended_children)
    });
    Ok(used.sum())
}

/// The processor time that this process has used so far, without its children.
pub(crate) fn own_cpu() -> Outcome<Duration> {
    let id = std::process::id();
    let stat = fs::read_to_string("/proc/self/stat")?;
    let process = process(&stat).ok_or("/proc/self/stat cannot be read")?;
    Ok(threads(id).max(process.times.own))
}

/// The memory of the process and its descendants in MiB. A shared page counts once.
pub(crate) fn memory(root: u32) -> Outcome<f64> {
    let processes = processes()?;
    let kib: f64 = descendants(root, &processes).into_iter().filter_map(proportional).sum();
    Ok(kib / 1024.0)
}

/// The process and its descendants.
pub(crate) fn all(root: u32) -> Outcome<Vec<u32>> {
    Ok(descendants(root, &processes()?).into_iter().collect())
}

struct Process {
    parent: u32,
    times: Times,
}

struct Times {
    own: Duration,
    ended_children: Duration,
}

fn processes() -> Outcome<HashMap<u32, Process>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // The file of a process that has ended in the meantime is gone.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        found.extend(process(&stat).map(|process| (id, process)));
    }
    Ok(found)
}

/// Parses `/proc/PID/stat`. The name in it may hold any character, and ends with the last bracket.
fn process(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |n: usize| Some(TICK * fields.get(n)?.parse::<u32>().ok()?);
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        times: Times {
            own: ticks(11)? + ticks(12)?,
            ended_children: ticks(13)? + ticks(14)?,
        },
    })
}

fn descendants(root: u32, processes: &HashMap<u32, Process>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children = processes.iter().filter(|(_, process)| process.parent == parent);
        found.extend(children.map(|(id, _)| *id));
        next += 1;
    }
    found
}

fn threads(id: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{id}/task")) else {
        return Duration::ZERO;
    };
    let used = tasks.flatten().filter_map(|task| {
        let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        Some(Duration::from_nanos(stat.split(' ').next()?.parse().ok()?))
    });
    used.sum()
}

fn proportional(id: u32) -> Option<f64> {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::process;
    use std::time::Duration;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "42 (a) 9 (b) S 7 1 1 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0";
        let process = process(stat).expect("this is a stat line");
        assert_eq!(process.parent, 7);
        assert_eq!(process.times.own, Duration::from_secs(2));
        assert_eq!(process.times.ended_children, Duration::from_millis(500));
    }
}
