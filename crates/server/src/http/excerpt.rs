//! Shortens a text that may be too long to be repeated in a message.
//!
//! Messages repeat a part of the request, so that a person can find it. A request of 64 KiB must not be answered with a
//! page of 2 MB.

/// The first `most` characters of `text`, followed by `…` if some are left out.
#[must_use]
pub(crate) fn excerpt(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else {
        return text.to_owned();
    };
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters() {
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt("äöü", 2), "äö…");
        assert_eq!(excerpt("", 0), "");
    }
}
