//! Spans of time: a number and one of `s`, `m`, `h`, `d`, `w`.

use std::time::Duration;

/// The span that `text` says.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no span of time: write a number and s, m, h, d or w, such as \"1h\"");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number = text.strip_suffix(unit).unwrap_or_default();
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(wrong()),
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = is_number.then(|| number.parse().ok()).flatten();
    let span = number
        .and_then(|number| number.checked_mul(seconds))
        .ok_or_else(wrong)?;
    Ok(Duration::from_secs(span))
}
