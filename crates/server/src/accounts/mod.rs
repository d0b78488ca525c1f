//! People: passwords, limits on guessing them, and the site that signs people in.

pub mod handover;
pub mod limits;
pub mod passwords;
pub mod spelling;
