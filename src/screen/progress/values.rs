//! Values in the texts of tools: numbers, sizes, rates, times.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

/// A pattern that is compiled when it is first needed.
pub(super) type Pattern = LazyLock<Regex>;

/// Compiles a pattern of this module's tables.
pub(super) fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("patterns are constants, and tested")
}

/// A number with thousands commas: `1,234.5`.
pub(super) fn number(text: &str) -> Option<f64> {
    text.replace(',', "").parse().ok().filter(|n: &f64| n.is_finite())
}

/// What a unit of size is in bytes: `MiB`, `kB`, `M`, `bytes`.
pub(super) fn unit_bytes(unit: &str) -> Option<f64> {
    let unit = unit.trim();
    if unit.is_empty() || unit.eq_ignore_ascii_case("b") || unit.eq_ignore_ascii_case("bytes") {
        return Some(1.0);
    }
    let power = match unit.chars().next()?.to_ascii_lowercase() {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        _ => return None,
    };
    let base: f64 = match &unit[1..] {
        "iB" | "ib" => 1024.0,
        // Tools that leave the B out count in powers of two.
        "" => 1024.0,
        "B" | "b" => 1000.0,
        _ => return None,
    };
    Some(base.powi(power))
}

/// A time left or gone: `3s`, `1m20s`, `1h02m`, `0:05`, `1:02:03`.
pub(super) fn time(text: &str) -> Option<Duration> {
    static UNITS: Pattern = LazyLock::new(|| {
        compile(
            r"^(?:([0-9]+)d ?)?(?:([0-9]+)h ?)?(?:([0-9]+)m(?:in)? ?)?(?:([0-9]+(?:\.[0-9]+)?)s(?:ec)?)?$",
        )
    });
    let text = text.trim();
    if text.contains(':') {
        let parts: Option<Vec<f64>> = text.split(':').map(|part| part.parse().ok()).collect();
        let parts = parts.filter(|parts| parts.len() <= 3)?;
        return seconds(parts.iter().fold(0.0, |sum, part| sum * 60.0 + part));
    }
    let found = UNITS.captures(text).filter(|_| !text.is_empty())?;
    let part = |n: usize| found.get(n).and_then(|m| m.as_str().parse::<f64>().ok()).unwrap_or(0.0);
    seconds(part(1) * 86_400.0 + part(2) * 3600.0 + part(3) * 60.0 + part(4))
}

/// A length of time in seconds, if it is one.
pub(super) fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// The time left, where a text says so.
pub(super) fn eta(text: &str) -> Option<Duration> {
    // The last form is tqdm's `[00:04<00:05, 10.00it/s]`.
    static ETA: Pattern = LazyLock::new(|| {
        compile(
            r"(?:\bETA:? *|\beta:? +|\b[Rr]emaining:? +|<)((?:[0-9]+:)+[0-9]+|(?:[0-9.]+(?:d|h|m|min|s|sec) ?)+)",
        )
    });
    time(ETA.captures(text)?.get(1)?.as_str())
}

/// How fast, in the text's own words.
pub(super) fn rate(text: &str) -> Option<String> {
    static RATE: Pattern = LazyLock::new(|| {
        compile(
            r"([0-9][0-9.,]* ?(?:[kKMGT]?i?[Bb](?:ytes)?/s|(?:it|rows|items|files|pkt|lines|steps|samples|tok)/s|s/it))",
        )
    });
    // aria2 leaves the `/s` out.
    static DOWNLOAD: Pattern = LazyLock::new(|| compile(r"\bDL:([0-9][0-9.]*[kKMGT]?i?B)"));
    let found = RATE.captures(text).and_then(|found| found.get(1)).map(|m| m.as_str().to_owned());
    found.or_else(|| Some(format!("{}/s", DOWNLOAD.captures(text)?.get(1)?.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_their_forms() {
        for (text, secs) in [
            ("3s", 3),
            ("1m20s", 80),
            ("1h02m", 3720),
            ("0:05", 5),
            ("00:03", 3),
            ("1:02:03", 3723),
            ("2min", 120),
        ] {
            assert_eq!(time(text), Some(Duration::from_secs(secs)), "{text}");
        }
        for text in ["", "--:--", "soon", "1:2:3:4"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn time_left_and_rates_are_found_in_lines() {
        let secs = |secs| Some(Duration::from_secs(secs));
        assert_eq!(eta("at 7.99MiB/s ETA 00:03"), secs(3));
        assert_eq!(eta("(16.54 MiB/s, ETA: 2s)"), secs(2));
        assert_eq!(eta("eta 0:00:01"), secs(1));
        assert_eq!(eta(" 45/100 [00:04<00:05, 10.00it/s]"), secs(5));
        assert_eq!(eta("theta 5s"), None);
        assert_eq!(rate("12.3 MB/s").as_deref(), Some("12.3 MB/s"));
        assert_eq!(rate("[14.8MiB/s]").as_deref(), Some("14.8MiB/s"));
        assert_eq!(rate("CN:2 DL:15MiB ETA:1s").as_deref(), Some("15MiB/s"));
        assert_eq!(rate("10.00it/s").as_deref(), Some("10.00it/s"));
        assert_eq!(rate("a/s"), None);
    }

    #[test]
    fn sizes_are_compared_in_bytes() {
        assert_eq!(unit_bytes("MiB"), Some(1_048_576.0));
        assert_eq!(unit_bytes("kB"), Some(1000.0));
        assert_eq!(unit_bytes("M"), Some(1_048_576.0));
        assert_eq!(unit_bytes("files"), None);
    }
}
