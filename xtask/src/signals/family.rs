//! Who descends from whom, as far as the system tells.

use rustix::process::Pid;

/// A process that descends from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relative {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    pub(crate) group: Pid,
}

/// Only Linux lists processes as files and gives us those whose parent has died; elsewhere the process
/// group has to do.
pub(crate) const CAN_BE_LISTED: bool = cfg!(target_os = "linux");

/// Whether descendants whose parent dies become our children (true) or init's (false).
#[cfg(target_os = "linux")]
pub(crate) fn adopt(wanted: bool) {
    let adopter = wanted.then(rustix::process::getpid);
    // Without it we still end the process group, as on other systems.
    let _ = rustix::process::set_child_subreaper(adopter);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt(_wanted: bool) {}

/// Every living descendant of `ancestor`, itself excluded; nobody where they cannot be listed.
pub(crate) fn descendants(ancestor: Pid) -> Vec<Relative> {
    let everybody = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let everybody: Vec<Relative> = everybody
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| parse(&stat))
        .collect();
    of(ancestor, &everybody)
}

fn of(ancestor: Pid, everybody: &[Relative]) -> Vec<Relative> {
    let mut found: Vec<Relative> = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for relative in everybody.iter().filter(|relative| relative.parent == parent) {
            found.push(*relative);
            parents.push(relative.pid);
        }
    }
    found
}

/// Reads a line of `/proc/<pid>/stat`, see proc(5); a process that has died and was not yet waited for is
/// none. The name is in parentheses and may itself contain any, so the last one counts.
fn parse(stat: &str) -> Option<Relative> {
    let (head, tail) = stat.rsplit_once(") ")?;
    let pid = head.split_once(" (")?.0;
    let mut fields = tail.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    Some(Relative { pid: number(pid)?, parent: number(fields.next()?)?, group: number(fields.next()?)? })
}

fn number(field: &str) -> Option<Pid> {
    field.parse().ok().filter(|raw| *raw > 0).and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(raw: i32) -> Pid {
        Pid::from_raw(raw).unwrap()
    }

    #[test]
    fn a_line_of_proc_is_read_whatever_the_name() {
        let expected = Relative { pid: pid(7), parent: pid(3), group: pid(5) };
        assert_eq!(parse("7 (a) b) (c) S 3 5 5 0 -1"), Some(expected));
        assert_eq!(parse("7 (dead) Z 3 5 5 0 -1"), None);
        assert_eq!(parse("2 (kthreadd) S 0 0 0 0 -1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn descendants_are_found_over_generations() {
        let relative = |own, parent| Relative { pid: pid(own), parent: pid(parent), group: pid(own) };
        let everybody = [relative(4, 3), relative(2, 1), relative(3, 2), relative(9, 1)];
        let pids: Vec<Pid> = of(pid(2), &everybody).iter().map(|relative| relative.pid).collect();
        assert_eq!(pids, [pid(3), pid(4)]);
    }
}
