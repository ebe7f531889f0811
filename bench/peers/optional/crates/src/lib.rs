// SPDX-License-Identifier: MIT
//! Maps of Rust crates behind functions that C++ can call. An operation is one call of the crate's
//! own best function for it; keys and values are 64-bit words, or 32-byte keys.

#[cfg(feature = "cmap")]
mod cmap;
#[cfg(feature = "fixed_map")]
mod fixed_map;
#[cfg(any(feature = "cmap", feature = "lockmap"))]
mod hash;
#[cfg(feature = "lockmap")]
mod lockmap;
#[cfg(feature = "lockmap")]
mod lru_lockmap;

use std::mem::MaybeUninit;

/// What was found goes where C++ wants it.
fn found(value: Option<u64>, out: &mut MaybeUninit<u64>) -> bool {
    match value {
        Some(value) => {
            out.write(value);
            true
        }
        None => false,
    }
}
