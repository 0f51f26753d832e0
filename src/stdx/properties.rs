//! How many cases a property is tried with where each of them is dear.

use proptest::prelude::ProptestConfig;

/// With it a person asks for more cases; proptest itself reads it only where a test names no number.
const CASES_VARIABLE: &str = "PROPTEST_CASES";

/// `usual` cases, or as many as `PROPTEST_CASES` asks for.
pub fn cases(usual: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    let asked = std::env::var_os(CASES_VARIABLE).is_some();
    ProptestConfig { cases: if asked { config.cases } else { usual }, ..config }
}
