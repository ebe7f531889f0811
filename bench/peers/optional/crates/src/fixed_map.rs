// SPDX-License-Identifier: MIT
//! fixed_map::Map, with the hash function that it has built in. It finds an entry, but has no way to
//! read the value, and hides the names of its results: both are got at from outside here.

use fixed_map::{Entry, ID};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

type Map = fixed_map::Map<u64>;

/// Entry is repr(C): a byte, a word, 32 bytes, a flag, the value.
const VALUE_AT: usize = 56;
const _: () = assert!(std::mem::size_of::<Entry<u64>>() == 64);

/// An update may be under way.
fn value_of(entry: &Entry<u64>) -> u64 {
    let begin = entry as *const Entry<u64> as *const u8;
    // SAFETY: inside of the entry, and aligned; see VALUE_AT.
    unsafe { &*begin.add(VALUE_AT).cast::<AtomicU64>() }.load(Ordering::Relaxed)
}

/// None, if `slots` is no power of two.
#[no_mangle]
extern "C" fn concur_crate_fixed_map_new(slots: usize) -> Option<Box<Map>> {
    Map::with_capacity_pow2(slots).ok().map(Box::new)
}

#[no_mangle]
extern "C" fn concur_crate_fixed_map_delete(_: Box<Map>) {}

#[no_mangle]
extern "C" fn concur_crate_fixed_map_find(map: &Map, key: &ID, out: &mut MaybeUninit<u64>) -> bool {
    match map.find(key) {
        Some(entry) => {
            out.write(value_of(entry));
            true
        }
        None => false,
    }
}

#[no_mangle]
extern "C" fn concur_crate_fixed_map_insert(map: &Map, key: &ID, value: u64) -> bool {
    map.insert(*key, value).is_ok()
}

#[no_mangle]
extern "C" fn concur_crate_fixed_map_erase(map: &Map, key: &ID) -> bool {
    map.delete(*key) as u8 == 0 // Deleted, the first of DeleteResult
}

#[no_mangle]
extern "C" fn concur_crate_fixed_map_increment(map: &Map, key: &ID) {
    let mut done = false;
    while !done {
        map.update(key, |value| {
            *value += 1;
            done = true;
        });
        done = done || map.insert(*key, 1).is_ok();
    }
}
