//! People: passwords, limits on guessing them, and the site that signs people in.

pub(crate) mod handover;
pub(crate) mod limits;
pub mod passwords;
pub(crate) mod spelling;
