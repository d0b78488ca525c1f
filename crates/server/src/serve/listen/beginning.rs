//! Recognises HEAD by the first bytes of a request. A refusal that hyper did not parse the request for needs it: such an answer
//! has no body (RFC 9110 §9.3.2).

const HEAD: &[u8] = b"HEAD ";

/// The beginning of a request, as far as it was read.
#[derive(Clone, Copy, Default)]
pub(super) struct Beginning {
    /// The number of bytes of `HEAD` that the request began with.
    matched: usize,
    is_other: bool,
}

impl Beginning {
    /// Reads the next bytes of the request.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match HEAD.get(self.matched).filter(|_| !self.is_other) {
                None => return,
                Some(expected) if expected == byte => self.matched += 1,
                // Line breaks between requests belong to no request (RFC 9112 §2.2).
                Some(_) if self.matched == 0 && matches!(byte, b'\r' | b'\n') => {}
                Some(_) => self.is_other = true,
            }
        }
    }

    pub(super) fn is_head(self) -> bool {
        self.matched == HEAD.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_is_recognised_however_its_bytes_come() {
        for (request, is_head) in [
            ("HEAD / HTTP/1.1\r\n", true),
            ("\r\n\nHEAD /", true),
            ("HEAD", false),
            ("HEADER / HTTP/1.1\r\n", false),
            ("head / HTTP/1.1\r\n", false),
            ("GET /HEAD HEAD ", false),
            ("H\nEAD / HTTP/1.1\r\n", false),
        ] {
            for size in [1, 2, 100] {
                let mut beginning = Beginning::default();
                request.as_bytes().chunks(size).for_each(|piece| beginning.read(piece));
                assert_eq!(beginning.is_head(), is_head, "{request:?} in pieces of {size}");
            }
        }
    }
}
