//! Finds the descendants of a process, where the system lists them.

use rustix::process::Pid;

/// One living process, as `/proc` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    pub(crate) group: Pid,
}

/// Linux lists processes under `/proc` and can make us the parent of orphaned descendants. Other systems only
/// have the process group.
pub(crate) const CAN_LIST: bool = cfg!(target_os = "linux");

/// Chooses who becomes the parent of orphaned descendants: this process (true) or init (false).
#[cfg(target_os = "linux")]
pub(crate) fn set_subreaper(enabled: bool) {
    let subreaper = enabled.then(rustix::process::getpid);
    // Without it we still end the process group, as on other systems.
    let _ = rustix::process::set_child_subreaper(subreaper);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn set_subreaper(_enabled: bool) {}

/// Every living descendant of `ancestor`, without `ancestor`; empty where processes cannot be listed.
pub(crate) fn descendants(ancestor: Pid) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<Process> = entries
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| parse(&stat))
        .collect();
    descendants_in(ancestor, &all)
}

fn descendants_in(ancestor: Pid, all: &[Process]) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            found.push(*process);
            parents.push(process.pid);
        }
    }
    found
}

/// Parses `/proc/<pid>/stat` (proc(5)); nothing for a zombie. The name stands in parentheses and may contain
/// parentheses itself, so the last one ends it.
fn parse(stat: &str) -> Option<Process> {
    let (head, tail) = stat.rsplit_once(") ")?;
    let pid = head.split_once(" (")?.0;
    let mut fields = tail.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    Some(Process {
        pid: parse_pid(pid)?,
        parent: parse_pid(fields.next()?)?,
        group: parse_pid(fields.next()?)?,
    })
}

fn parse_pid(field: &str) -> Option<Pid> {
    field.parse().ok().filter(|raw| *raw > 0).and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(raw: i32) -> Pid {
        Pid::from_raw(raw).unwrap()
    }

    #[test]
    fn a_stat_line_parses_whatever_the_process_name() {
        let expected = Process { pid: pid(7), parent: pid(3), group: pid(5) };
        assert_eq!(parse("7 (a) b) (c) S 3 5 5 0 -1"), Some(expected));
        assert_eq!(parse("7 (dead) Z 3 5 5 0 -1"), None);
        assert_eq!(parse("2 (kthreadd) S 0 0 0 0 -1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn descendants_are_found_over_generations() {
        let process = |own, parent| Process { pid: pid(own), parent: pid(parent), group: pid(own) };
        let all = [process(4, 3), process(2, 1), process(3, 2), process(9, 1)];
        let pids: Vec<Pid> = descendants_in(pid(2), &all).iter().map(|process| process.pid).collect();
        assert_eq!(pids, [pid(3), pid(4)]);
    }
}
