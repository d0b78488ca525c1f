//! The one thread that writes: what waits for it, what goes into one commit, and who is refused.

pub(crate) mod batch;
pub(crate) mod bounds;
pub(crate) mod held;
pub(crate) mod pressure;
pub(crate) mod queue;
pub(crate) mod uses;
pub(crate) mod work;

/// What the writer's queue stands on; a test puts others in their place.
mod threads {
    pub(super) use std::sync::mpsc;
    pub(super) use std::thread;

    /// How long what others have locked rests before it is tried again.
    pub(super) const REST: std::time::Duration = std::time::Duration::from_millis(50);

    /// What comes within this time.
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
