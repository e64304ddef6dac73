//! Memory that this process holds.

use std::fs;

use crate::failure::Failure;

/// `VmRSS` and `VmPTE` of this process, in bytes.
pub(crate) fn resident() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
            .ok_or_else(|| Failure::new(format!("/proc/self/status has no {name}")))
    };
    Ok((kilobytes("VmRSS:")? + kilobytes("VmPTE:")?) * 1024)
}

#[cfg(test)]
mod tests {
    use super::resident;

    #[test]
    fn touched_memory_is_resident() {
        let before = resident().expect("/proc");
        let touched = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(resident().expect("/proc") >= before + touched.len() as u64 / 2);
    }
}
