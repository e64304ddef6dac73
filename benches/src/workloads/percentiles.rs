//! How measured times are distributed.

use crate::failure::Failure;

/// The values below which these parts of all times lie, in the order of the parts.
pub(super) fn of(mut times: Vec<u64>, parts: &[f64]) -> Result<Vec<f64>, Failure> {
    if times.is_empty() {
        return Err(Failure::new("nothing was measured"));
    }
    times.sort_unstable();
    let last = times.len() - 1;
    Ok(parts.iter().map(|part| times[(last as f64 * part).round() as usize] as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn of_a_hundred_and_one_the_median_is_the_middle() {
        assert_eq!(of((0..=100).rev().collect(), &[0.5, 0.99, 0.999]), Ok(vec![50.0, 99.0, 100.0]));
        assert!(of(Vec::new(), &[0.5]).is_err());
    }
}
