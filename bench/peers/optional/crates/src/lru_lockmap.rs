// SPDX-License-Identifier: MIT
//! lockmap::LruLockMap.

use crate::{found, hash::Finalized};
use std::mem::MaybeUninit;

type Cache = lockmap::LruLockMap<u64, u64, Finalized>;

#[no_mangle]
extern "C" fn concur_crate_lru_lockmap_new(capacity: usize) -> Box<Cache> {
    Box::new(Cache::with_hasher(capacity, Finalized))
}

#[no_mangle]
extern "C" fn concur_crate_lru_lockmap_delete(_: Box<Cache>) {}

/// Moves it to the front.
#[no_mangle]
extern "C" fn concur_crate_lru_lockmap_find(
    cache: &Cache,
    key: u64,
    out: &mut MaybeUninit<u64>,
) -> bool {
    found(cache.get(&key), out)
}

#[no_mangle]
extern "C" fn concur_crate_lru_lockmap_insert(cache: &Cache, key: u64, value: u64) {
    cache.insert(key, value);
}
