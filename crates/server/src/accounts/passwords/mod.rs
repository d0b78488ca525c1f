//! Hashes of passwords, and of declared client secrets that are too short for a plain digest: argon2id (RFC 9106).
//!
//! A verification takes about 20 ms and 19 MiB on purpose. So it runs on a pool of few threads with a bounded queue: a
//! flood of sign-ins neither delays the other endpoints nor exhausts the memory, and is answered with 503. People and
//! clients have separate pools, so that neither can crowd out the other.

mod pool;
mod remembered;
mod stand_in;

pub use pool::{Busy, Pool};
pub use remembered::Remembered;
pub use stand_in::{LENDERS, StandIns};

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;

/// Memory in KiB, passes and lanes, as recommended by OWASP's password storage cheat sheet.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// The highest accepted memory in KiB, passes and lanes of an imported hash. Each sign-in costs this much, even with a
/// wrong password.
const MOST: (u32, u32, u32) = (64 * 1024, 4, 4);

/// Why a text is refused as a password hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HashFault {
    /// Another algorithm, or not a hash.
    #[error("expected an argon2id hash such as \"$argon2id$v=19$m=19456,t=2,p=1$…\"")]
    NoArgon2id,
    /// Each verification would cost the server too much.
    #[error(
        "this hash costs too much to verify (m={memory}, t={passes}, p={lanes}): at most m={}, t={}, p={} \
         (64 MiB of memory, 4 passes, 4 lanes)", MOST.0, MOST.1, MOST.2
    )]
    TooCostly {
        /// The memory, in KiB.
        memory: u32,
        /// The number of passes over the memory.
        passes: u32,
        /// The number of lanes.
        lanes: u32,
    },
}

/// Hashes `password` with `salt`, which must be fresh and random, to a PHC string.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "the cost is a constant, the salt has its length by its type"
)]
pub fn hash(password: &str, salt: [u8; 16]) -> String {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("a cost that argon2 takes");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("a salt of 16 bytes");
    hash.to_string()
}

/// Whether `phc` was made from `password`, compared in constant time. A text that is not a hash matches no password.
#[must_use]
pub fn verify(password: &str, phc: &str) -> bool {
    HashMemory::default().verify(password, phc)
}

/// The memory in which a thread computes hashes. It is kept between verifications that follow each other closely.
#[derive(Default)]
pub struct HashMemory {
    blocks: Vec<Block>,
    released: Released,
}

/// How far the memory was given back to the operating system.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Released {
    /// The thread still holds the memory.
    No,
    /// The allocator holds the memory, or that of hashes computed before. mimalloc has no timer of its own: it returns
    /// memory that was free for a second when the next large block becomes free.
    #[default]
    ToAllocator,
    ToSystem,
}

impl HashMemory {
    /// Gives back the memory, one step with each call.
    fn release(&mut self) {
        self.blocks = Vec::new();
        self.released = match self.released {
            Released::No => Released::ToAllocator,
            Released::ToAllocator | Released::ToSystem => {
                const LARGE: usize = 1024 * 1024;
                drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE)));
                Released::ToSystem
            }
        };
    }

    fn is_released(&self) -> bool {
        matches!(self.released, Released::ToSystem)
    }

    /// Like [`hash`](fn@hash), in this memory.
    fn hash(&mut self, password: &str, salt: [u8; 16]) -> String {
        self.released = Released::No;
        hash(password, salt)
    }

    /// Like [`verify`], in this memory.
    pub fn verify(&mut self, password: &str, phc: &str) -> bool {
        parse(phc).is_ok_and(|hash| self.fits(password, &hash).unwrap_or(false))
    }

    fn fits(&mut self, password: &str, hash: &PasswordHash) -> Option<bool> {
        let (usual, _, _) = COST;
        let params = Params::try_from(hash).ok()?;
        let version = hash
            .version
            .map(Version::try_from)
            .transpose()
            .ok()?
            .unwrap_or_default();
        let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
        let blocks = params.block_count();
        self.released = Released::No;
        if self.blocks.len() < blocks {
            self.blocks.resize(blocks, Block::default());
        }
        let mut found = vec![0; expected.len()];
        Argon2::new(Algorithm::Argon2id, version, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, &mut found, self.blocks.as_mut_slice())
            .ok()?;
        if blocks > usual as usize {
            // An imported hash that costs more is rare, so its memory is not kept.
            self.blocks = Vec::new();
        }
        Some(found.ct_eq(expected.as_bytes()).into())
    }
}

/// Whether `phc` is an argon2id hash within the allowed cost.
#[must_use]
pub fn is_hash(phc: &str) -> bool {
    check(phc).is_ok()
}

/// Checks that `phc` can serve as a password hash.
///
/// # Errors
/// If it is not an argon2id hash, or costs more than allowed.
pub fn check(phc: &str) -> Result<(), HashFault> {
    parse(phc).map(drop)
}

/// The start of `phc`, up to the salt: algorithm and cost.
fn cost_of(phc: &str) -> Option<&str> {
    let computed = is_hash(phc).then(|| phc.rsplitn(3, '$').nth(2));
    computed.flatten()
}

/// The cost to verify against `phc`: KiB of memory times passes.
fn work(phc: &str) -> u64 {
    let params = parse(phc).ok().and_then(|hash| Params::try_from(&hash).ok());
    params.map_or(0, |params| u64::from(params.m_cost()) * u64::from(params.t_cost()))
}

fn parse(phc: &str) -> Result<PasswordHash, HashFault> {
    let hash = PasswordHash::new(phc).map_err(|_| HashFault::NoArgon2id)?;
    let params = Params::try_from(&hash).map_err(|_| HashFault::NoArgon2id)?;
    let whole = hash.salt.is_some() && hash.hash.is_some();
    if hash.algorithm.as_str() != "argon2id" || !whole {
        return Err(HashFault::NoArgon2id);
    }
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    if memory > MOST.0 || passes > MOST.1 || lanes > MOST.2 {
        return Err(HashFault::TooCostly { memory, passes, lanes });
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_matches_its_password_only() {
        let phc = hash("correct horse", [7; 16]);
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify("correct horse", &phc));
        assert!(!verify("correct horsf", &phc));
        assert!(!verify("", &phc));
    }

    #[test]
    fn a_kept_memory_does_not_change_the_next_result() {
        let mut memory = HashMemory::default();
        let (one, other) = (hash("one", [1; 16]), hash("other", [2; 16]));
        for _ in 0..2 {
            assert!(memory.verify("one", &one));
            assert!(!memory.verify("one", &other));
            assert!(memory.verify("other", &other));
        }
    }

    #[test]
    fn another_salt_gives_another_hash() {
        assert_ne!(hash("a", [1; 16]), hash("a", [2; 16]));
    }

    #[test]
    fn only_complete_argon2id_hashes_within_the_allowed_cost_are_accepted() {
        let salt = "bm9ib2R5LW5vYm9keS0h";
        let output = "Gpn5XCB6bV2sL0q5m3dQd1kVYv3Yx2u0m8yqfWl9b0E";
        assert!(is_hash(&format!("$argon2id$v=19$m=65536,t=4,p=4${salt}${output}")));
        for phc in [
            String::new(),
            "secret".to_owned(),
            "$2b$12$KIXQ4Sn3H2vM8cQ0yQnXDe1x0qzT6m5oJrU7bG3Qv2rM8cQ0yQnXD".to_owned(),
            format!("$argon2i$v=19$m=65536,t=3,p=4${salt}${output}"),
            format!("$argon2id$v=19$m=65537,t=4,p=4${salt}${output}"),
            format!("$argon2id$v=19$m=65536,t=5,p=4${salt}${output}"),
            format!("$argon2id$v=19$m=65536,t=4,p=5${salt}${output}"),
            format!("$argon2id$v=19$m=65536,t=3,p=4${salt}"),
        ] {
            assert!(!is_hash(&phc), "{phc}");
            assert!(!verify("secret", &phc), "{phc}");
        }
    }

    #[test]
    fn the_error_for_a_refused_hash_states_the_limit() {
        let phc = "$argon2id$v=19$m=1048576,t=3,p=4$bm9ib2R5LW5vYm9keS0h$Gpn5XCB6bV2sL0q5m3dQd1kVYv3Yx2u0m8yqfWl9b0E";
        assert_eq!(
            check(phc).unwrap_err().to_string(),
            "this hash costs too much to verify (m=1048576, t=3, p=4): at most m=65536, t=4, p=4 (64 MiB of memory, 4 \
             passes, 4 lanes)"
        );
        assert_eq!(check("456def"), Err(HashFault::NoArgon2id));
        assert_eq!(work(phc), 0, "it is not computed");
    }
}
