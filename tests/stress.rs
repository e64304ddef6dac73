//! Everything at once, at random, checked by conservation: what was begun ends once, what was sent arrives.

mod eventually;

use eventually::eventually;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tasklets::{
    Builder, Runtime, Tasklet, block_on, current, join, park, park_timeout, scope, sleep, spawn, spawn_future,
    spawn_local, unblock, yield_now,
};

const WORKERS: [usize; 4] = [1, 2, 4, 8];

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// xorshift64*: small, and the same everywhere.
#[derive(Clone)]
struct Random(u64);

impl Random {
    /// A seed for this run, printed so that a failure can be tried again.
    fn seeded(test: &str, workers: usize) -> Self {
        let clock =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64);
        let seed = std::env::var("TASKLETS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(clock | 1);
        eprintln!("{test}, {workers} workers: TASKLETS_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 33) % n
    }

    fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }
}

/// A queue whose one receiver parks while it is empty.
#[derive(Default)]
struct Mailbox {
    tokens: Mutex<VecDeque<u64>>,
    owner: Mutex<Option<Tasklet>>,
}

impl Mailbox {
    fn send(&self, token: u64) {
        self.tokens.lock().unwrap().push_back(token);
        let owner = self.owner.lock().unwrap().clone();
        if let Some(owner) = owner {
            owner.unpark();
        }
    }

    /// Waits with or without a timeout, as `random` will have it.
    fn receive(&self, random: &mut Random) -> u64 {
        loop {
            if let Some(token) = self.tokens.lock().unwrap().pop_front() {
                return token;
            }
            match random.below(3) {
                0 => park_timeout(Duration::from_micros(random.below(100))),
                _ => park(),
            }
        }
    }
}

#[test]
fn tokens_passed_at_random_all_arrive() {
    const PLAYERS: usize = 64;
    const TOKENS: u64 = 40;
    const HOPS: u64 = 200;
    for workers in WORKERS {
        let mut random = Random::seeded("tokens", workers);
        let boxes: Arc<Vec<Mailbox>> = Arc::new((0..PLAYERS).map(|_| Mailbox::default()).collect());
        let (arrived, hops) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        runtime(workers).run(|| {
            for player in 0..PLAYERS {
                let (boxes, arrived, hops, mut random) = (boxes.clone(), arrived.clone(), hops.clone(), random.split());
                drop(spawn(move || {
                    let mine = &boxes[player];
                    *mine.owner.lock().unwrap() = Some(current());
                    let home = thread::current().id();
                    loop {
                        let left = mine.receive(&mut random);
                        assert_eq!(thread::current().id(), home);
                        hops.fetch_add(1, SeqCst);
                        match random.below(6) {
                            0 => yield_now(),
                            1 => sleep(Duration::from_micros(random.below(50))),
                            _ => {}
                        }
                        if left == 0 {
                            arrived.fetch_add(1, SeqCst);
                            continue;
                        }
                        let to = random.below(PLAYERS as u64) as usize;
                        match random.below(8) {
                            0 => {
                                let boxes = boxes.clone();
                                drop(spawn(move || boxes[to].send(left - 1)));
                            }
                            1 => {
                                let boxes = boxes.clone();
                                drop(spawn_future(async move { boxes[to].send(left - 1) }));
                            }
                            2 => {
                                let boxes = boxes.clone();
                                drop(spawn_local(move || boxes[to].send(left - 1)));
                            }
                            _ => boxes[to].send(left - 1),
                        }
                    }
                }));
            }
            for token in 0..TOKENS {
                boxes[token as usize % PLAYERS].send(HOPS);
            }
            eventually("every token has arrived", || arrived.load(SeqCst) == TOKENS);
        });
        assert_eq!(hops.load(SeqCst), TOKENS * (HOPS + 1), "no token was lost or doubled");
    }
}

/// A tree of tasks of every kind that wait in every way; returns how many there were.
fn tree(random: Random, depth: u32, ended: &Arc<AtomicUsize>) -> usize {
    let mut random = random;
    let mut below = 0;
    if depth > 0 {
        for _ in 0..3 {
            let (one, two, its) = (random.split(), random.split(), ended.clone());
            below += match random.below(7) {
                0 => spawn(move || tree(one, depth - 1, &its)).join().unwrap(),
                1 => spawn_local(move || tree(one, depth - 1, &its)).join().unwrap(),
                2 => spawn_future(async move { tree(one, depth - 1, &its) }).join().unwrap(),
                3 => {
                    spawn_future(async move { spawn(move || tree(one, depth - 1, &its)).await.unwrap() })
                        .join()
                        .unwrap()
                        + 1
                }
                4 => {
                    let (a, b) = join(|| tree(one, depth - 1, ended), || tree(two, depth - 1, ended));
                    a + b
                }
                5 => scope(|s| {
                    let a = s.spawn(|| tree(one, depth - 1, ended));
                    let b = tree(two, depth - 1, ended);
                    a.join().unwrap() + b
                }),
                _ => block_on(
                    Builder::new().stack_size(128 << 10).name("odd").spawn(move || tree(one, depth - 1, &its)).unwrap(),
                )
                .unwrap(),
            };
            if random.below(100) == 0 {
                unblock(|| ());
            }
        }
    }
    match random.below(6) {
        0 => yield_now(),
        1 => sleep(Duration::from_micros(random.below(30))),
        2 => park_timeout(Duration::from_micros(random.below(30))),
        3 => {
            let me = current();
            drop(spawn(move || me.unpark()));
            park();
        }
        _ => {}
    }
    ended.fetch_add(1, SeqCst);
    below + 1
}

#[test]
fn trees_of_everything() {
    for workers in WORKERS {
        let mut random = Random::seeded("trees", workers);
        let ended = Arc::new(AtomicUsize::new(0));
        let counted: usize = runtime(workers).run(|| {
            let handles: Vec<_> = (0..10)
                .map(|_| {
                    let (random, ended) = (random.split(), ended.clone());
                    spawn(move || tree(random, 4, &ended))
                })
                .collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).sum()
        });
        assert!(counted >= ended.load(SeqCst) && ended.load(SeqCst) >= 10 * 121);
    }
}

#[test]
fn an_unpark_storm_from_threads() {
    const ROUNDS: usize = 500;
    for workers in WORKERS {
        let runtime = runtime(workers);
        let wakes = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..8)
            .map(|_| {
                let wakes = wakes.clone();
                runtime.spawn(move || {
                    for _ in 0..ROUNDS {
                        park();
                        wakes.fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        let tags: Vec<_> = handles.iter().map(|handle| handle.tasklet()).collect();
        let done = AtomicBool::new(false);
        let unparks = AtomicUsize::new(0);
        thread::scope(|s| {
            for start in 0..3 {
                let (tags, done, unparks) = (&tags, &done, &unparks);
                s.spawn(move || {
                    let mut turn = start;
                    while !done.load(SeqCst) {
                        unparks.fetch_add(1, SeqCst);
                        tags[turn % tags.len()].unpark();
                        turn += 1;
                    }
                });
            }
            for handle in handles {
                handle.join().unwrap();
            }
            done.store(true, SeqCst);
        });
        assert_eq!(wakes.load(SeqCst), 8 * ROUNDS);
        assert!(unparks.load(SeqCst) >= 8 * ROUNDS, "each return from a park took a permit");
    }
}

#[test]
fn timeouts_race_with_unparks() {
    for workers in WORKERS {
        let mut random = Random::seeded("timeouts", workers);
        runtime(workers).run(|| {
            let handles: Vec<_> = (0..40)
                .map(|_| {
                    let mut random = random.split();
                    spawn(move || {
                        for _ in 0..50 {
                            let (me, micros) = (current(), random.below(120));
                            // About when the timeout comes, before or after.
                            let unparker = spawn(move || {
                                sleep(Duration::from_micros(micros));
                                me.unpark();
                            });
                            park_timeout(Duration::from_micros(micros + random.below(40)));
                            unparker.join().unwrap();
                            // The permit is there if the timeout won, and gone if not. Either way none is left after this.
                            park_timeout(Duration::ZERO);
                            let unparked = Arc::new(AtomicBool::new(false));
                            let (me, its) = (current(), unparked.clone());
                            drop(spawn(move || {
                                its.store(true, SeqCst);
                                me.unpark();
                            }));
                            park();
                            assert!(unparked.load(SeqCst), "a park returned without a permit");
                        }
                    })
                })
                .collect();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        });
    }
}

#[test]
fn threads_spawn_and_cancel_at_the_end() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    // Many threads spawn while the runtime ends under them: each closure is dropped once, each join returns.
    for workers in WORKERS {
        for _ in 0..10 {
            let runtime = runtime(workers);
            let (drops, made) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
            thread::scope(|s| {
                for _ in 0..4 {
                    let handle = runtime.handle();
                    let (drops, made) = (&drops, &made);
                    s.spawn(move || {
                        let mut cancelled = 0;
                        while cancelled < 20 {
                            let counted = Counted(drops.clone());
                            made.fetch_add(2, SeqCst);
                            let tasklet = handle.spawn(move || {
                                let _counted = counted;
                                yield_now();
                            });
                            let counted = Counted(drops.clone());
                            let future = handle.spawn_future(async move { drop(counted) });
                            cancelled += usize::from(tasklet.join().is_err());
                            let _ = future.join();
                        }
                    });
                }
                thread::sleep(Duration::from_millis(3));
                drop(runtime);
            });
            assert_eq!(drops.load(SeqCst), made.load(SeqCst));
        }
    }
}

#[test]
fn a_thousand_tasklets_unblock_at_once() {
    for workers in [1, 2] {
        runtime(workers).run(|| {
            let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let handles: Vec<_> = (0..1000_usize)
                .map(|i| {
                    let (inside, most) = (inside.clone(), most.clone());
                    spawn(move || {
                        let home = thread::current().id();
                        let value = unblock(move || {
                            assert_ne!(thread::current().id(), home);
                            most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                            thread::sleep(Duration::from_micros(200));
                            inside.fetch_sub(1, SeqCst);
                            i
                        });
                        assert_eq!(thread::current().id(), home);
                        value
                    })
                })
                .collect();
            assert_eq!(handles.into_iter().map(|handle| handle.join().unwrap()).sum::<usize>(), 499_500);
            assert!(most.load(SeqCst) <= 512);
            let panics = spawn(|| unblock(|| std::panic::resume_unwind(Box::new(3)))).join();
            assert_eq!(*panics.unwrap_err().into_panic().downcast::<i32>().unwrap(), 3);
        });
    }
}
