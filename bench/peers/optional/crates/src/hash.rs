// SPDX-License-Identifier: MIT
//! The hash function that every map of the benchmarks gets: see support/keys.hpp.

use std::hash::{BuildHasher, Hasher};

#[derive(Clone, Copy)]
pub struct Finalized;

pub struct Word(u64);

impl BuildHasher for Finalized {
    type Hasher = Word;
    #[inline]
    fn build_hasher(&self) -> Word {
        Word(0)
    }
}

impl Hasher for Word {
    #[inline]
    fn write_u64(&mut self, key: u64) {
        let x = (key ^ (key >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d049bb133111eb);
        self.0 = x ^ (x >> 31);
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only words are hashed")
    }
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
