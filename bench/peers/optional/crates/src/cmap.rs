// SPDX-License-Identifier: MIT
//! cmap::Map. Every thread needs a clone of its own. There are as many as were asked for when the
//! map was made, and a dropped one never comes back, so they are lent and returned here.

use crate::{found, hash::Finalized};
use std::mem::MaybeUninit;
use std::sync::Mutex;

type Map = cmap::Map<u64, u64, Finalized>;

pub struct Owner {
    idle: Mutex<Vec<Box<Map>>>,
}

/// All clones are taken at once: what is left in the crate's pool would keep the map for ever.
#[no_mangle]
extern "C" fn concur_crate_cmap_new(clones: usize) -> Box<Owner> {
    let first = Map::new(clones, Finalized);
    let mut idle: Vec<_> = (1..clones).map(|_| Box::new(first.cloned())).collect();
    idle.push(Box::new(first));
    Box::new(Owner {
        idle: Mutex::new(idle),
    })
}

#[no_mangle]
extern "C" fn concur_crate_cmap_delete(_: Box<Owner>) {}

/// None, if more threads than there are clones ask.
#[no_mangle]
extern "C" fn concur_crate_cmap_lend(owner: &Owner) -> Option<Box<Map>> {
    owner.idle.lock().unwrap().pop()
}

#[no_mangle]
extern "C" fn concur_crate_cmap_return(owner: &Owner, map: Box<Map>) {
    owner.idle.lock().unwrap().push(map);
}

#[no_mangle]
extern "C" fn concur_crate_cmap_find(map: &Map, key: u64, out: &mut MaybeUninit<u64>) -> bool {
    found(map.get(&key), out)
}

/// There is no insertion that leaves alone what is there.
#[no_mangle]
extern "C" fn concur_crate_cmap_insert(map: &mut Map, key: u64, value: u64) -> bool {
    map.set(key, value).is_none()
}

#[no_mangle]
extern "C" fn concur_crate_cmap_erase(map: &mut Map, key: u64) -> bool {
    map.remove(&key).is_some()
}
