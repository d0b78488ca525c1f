//! The one thread that writes: the queue before it, what goes into one commit, and what is refused.

pub(crate) mod batch;
pub(crate) mod bounds;
pub(crate) mod held;
pub(crate) mod pressure;
pub(crate) mod queue;
pub(crate) mod uses;
pub(crate) mod work;

/// Channels and threads of the queue. A test of the queue has its own.
mod threads {
    pub(super) use std::sync::mpsc;
    pub(super) use std::thread;

    /// The pause before works that met a lock are tried again.
    pub(super) const REST: std::time::Duration = std::time::Duration::from_millis(50);

    /// Receives one message, or gives up after `patience`.
    pub(super) fn receive<T>(
        arriving: &mpsc::Receiver<T>,
        patience: std::time::Duration,
    ) -> Result<T, mpsc::RecvTimeoutError> {
        arriving.recv_timeout(patience)
    }

    #[expect(clippy::disallowed_methods, reason = "nobody is left to wake the thread")]
    pub(super) fn rest(span: std::time::Duration) {
        thread::sleep(span);
    }
}
