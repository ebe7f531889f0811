// SPDX-License-Identifier: MIT
//! lockmap::LockMap.

use crate::{found, hash::Finalized};
use std::ffi::c_void;
use std::mem::MaybeUninit;

type Map = lockmap::LockMap<u64, u64, Finalized>;

#[no_mangle]
extern "C" fn concur_crate_lockmap_new() -> Box<Map> {
    Box::new(Map::with_hasher(Finalized))
}

#[no_mangle]
extern "C" fn concur_crate_lockmap_delete(_: Box<Map>) {}

#[no_mangle]
extern "C" fn concur_crate_lockmap_find(map: &Map, key: u64, out: &mut MaybeUninit<u64>) -> bool {
    found(map.get(&key), out)
}

/// Replaces what is there. An entry's or_insert would not, but takes a lock of the key besides.
#[no_mangle]
extern "C" fn concur_crate_lockmap_insert(map: &Map, key: u64, value: u64) -> bool {
    map.insert(key, value).is_none()
}

#[no_mangle]
extern "C" fn concur_crate_lockmap_erase(map: &Map, key: u64) -> bool {
    map.remove(&key).is_some()
}

#[no_mangle]
extern "C" fn concur_crate_lockmap_increment(map: &Map, key: u64) {
    *map.entry(key).or_insert(0) += 1;
}

/// Calls work(context, value) while the key is held.
#[no_mangle]
extern "C" fn concur_crate_lockmap_locked(
    map: &Map,
    key: u64,
    work: extern "C" fn(*mut c_void, &mut u64),
    context: *mut c_void,
) {
    work(context, map.entry(key).or_insert(0));
}

#[no_mangle]
extern "C" fn concur_crate_lockmap_sum(map: &Map) -> u64 {
    let mut total = 0u64;
    map.for_each(|_, value| total = total.wrapping_add(*value));
    total
}
