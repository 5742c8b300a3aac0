//! Every seed, and what a few small changes make of it. The same ones each time: a failure here can be repeated.

#![allow(clippy::expect_used, reason = "a failing helper is a failing test")]

use std::fs;
use std::path::Path;

/// How many changed inputs are made of each seed; of answers fewer, because each is a request and signatures.
fn changes(target: &str) -> u32 {
    if target == "token_answer" { 25 } else { 1000 }
}

/// `SplitMix64`: numbers as good as random, from a seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("64 bits").max(1);
        usize::try_from(self.next() % end).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        // Mostly what has a meaning somewhere.
        let known = br#"@/:.{}[]"\,0eA-_ %"#;
        match self.below(3) {
            0 => self.next().to_le_bytes()[0],
            _ => known[self.below(known.len())],
        }
    }

    fn change(&mut self, data: &mut Vec<u8>) {
        let at = self.below(data.len());
        let end = at + self.below(data.len() - at);
        match self.below(5) {
            0 if !data.is_empty() => data[at] = self.byte(),
            1 => data.insert(at, self.byte()),
            2 => drop(data.drain(at..end)),
            3 => data.extend_from_within(at..end),
            _ => data.truncate(at),
        }
    }
}

#[test]
fn hold_and_so_do_their_variations() {
    for (name, target) in c1_fuzz::TARGETS {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(name);
        let mut paths: Vec<_> = fs::read_dir(seeds)
            .expect("seeds")
            .map(|entry| entry.expect("a seed").path())
            .collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has no seeds");
        let mut numbers = Numbers(0);
        for path in paths {
            // Shown when the test fails, the last one being what it failed for.
            println!("{}", path.display());
            let seed = fs::read(path).expect("a seed");
            target(&seed);
            for _ in 0..changes(name) {
                let mut data = seed.clone();
                for _ in 0..=numbers.below(3) {
                    numbers.change(&mut data);
                }
                println!("{:?}", data.escape_ascii().to_string());
                target(&data);
            }
        }
    }
}
