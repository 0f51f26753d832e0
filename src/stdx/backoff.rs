//! How long to wait before the next try.

use std::time::Duration;

/// Exponential waits between tries, with jitter so that many accounts do not knock together.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    limit: Duration,
    tries: u32,
    seed: u64,
}

impl Backoff {
    /// Waits of `first`, then twice that, and so on up to `limit`; `seed` fixes the jitter.
    #[must_use]
    pub fn new(first: Duration, limit: Duration, seed: u64) -> Self {
        Self { first, limit, tries: 0, seed }
    }

    /// Forgets earlier failures, after a try that worked.
    pub fn reset(&mut self) {
        self.tries = 0;
    }

    /// The wait before the next try: between three and four quarters of the doubled step.
    pub fn next_wait(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(self.tries).unwrap_or(u32::MAX));
        let step = doubled.min(self.limit);
        self.tries = self.tries.saturating_add(1);
        // A linear congruential step (Knuth's MMIX constants) is random enough for jitter.
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let jitter_parts = u32::try_from((self.seed >> 33) % 256).unwrap_or(0);
        step * 3 / 4 + step / 4 * jitter_parts / 256
    }
}

#[cfg(test)]
mod tests {
    use crate::stdx::backoff::Backoff;
    use std::time::Duration;

    #[test]
    fn waits_double_up_to_the_limit_and_start_again_after_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), 7);
        for expected_s in [1, 2, 4, 8, 16, 32, 60, 60] {
            let step = Duration::from_secs(expected_s);
            let wait = backoff.next_wait();
            assert!(wait <= step && step * 3 / 4 <= wait, "{wait:?} for a step of {step:?}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_secs(1));
    }
}
