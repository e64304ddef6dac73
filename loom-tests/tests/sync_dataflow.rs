//! `tasklets::sync::Dataflow`: bound once, and every reader is woken.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::time::Duration;
use tasklets_loom_tests::{
    ByHand, Letter, Mail, Tasklet, as_os_thread, as_task, as_tasklet, explore, spawn, until_cancelled,
};
use tasklets_runtime::sync::Dataflow;

const LONG: Duration = Duration::from_secs(3600);

fn get_in_tasklet(variable: &Dataflow<Letter>) -> u32 {
    as_tasklet(|| variable.get().number())
}

fn get_in_thread(variable: &Dataflow<Letter>) -> u32 {
    as_os_thread(|| variable.get().number())
}

fn get_in_future(variable: &Dataflow<Letter>) -> u32 {
    as_task(variable.get_async()).number()
}

fn spawn_binder(variable: &Dataflow<Letter>, mail: &Mail, number: u32) -> JoinHandle<bool> {
    let (variable, mail) = (variable.clone(), mail.clone());
    thread::spawn(move || variable.bind(mail.letter(number)).is_ok())
}

/// It is bound while one begins to wait for it, or looks.
#[test]
fn a_reader_and_a_binder() {
    for get in [get_in_tasklet, get_in_thread, get_in_future] {
        loom::model(move || {
            let mail = Mail::new();
            let variable = Dataflow::new();
            let binder = spawn_binder(&variable, &mail, 1);
            assert!(variable.try_get().is_none_or(|letter| letter.number() == 1));
            assert_eq!(get(&variable), 1);
            assert!(binder.join().unwrap());
        });
    }
}

/// Two bind it at once: one has, and the other has its value back.
#[test]
fn two_binders_and_a_reader() {
    explore(3, || {
        let mail = Mail::new();
        let variable = Dataflow::new();
        let other = spawn_binder(&variable, &mail, 1);
        let reader = {
            let variable = variable.clone();
            thread::spawn(move || get_in_tasklet(&variable))
        };
        let refused = variable.bind(mail.letter(2)).err().map(|refused| refused.into_inner().number());
        let read = reader.join().unwrap();
        assert_eq!((other.join().unwrap(), refused), if read == 1 { (true, Some(2)) } else { (false, None) });
    });
}

/// Two wait, or begin to: both are woken.
#[test]
fn two_readers() {
    explore(2, || {
        let mail = Mail::new();
        let variable = Dataflow::<Letter>::new();
        let mut other = {
            let variable = variable.clone();
            ByHand::waiting(async move { variable.get_async().await.number() })
        };
        let binder = spawn_binder(&variable, &mail, 1);
        assert_eq!(get_in_tasklet(&variable), 1);
        assert!(binder.join().unwrap());
        assert_eq!(other.poll(), Some(1));
    });
}

/// It is bound while one who waits gives up at its deadline, is told to end or is dropped: the other is woken.
#[test]
fn a_reader_goes_away() {
    for way in 0..3 {
        explore(2, move || {
            let mail = Mail::new();
            let variable = Dataflow::<Letter>::new();
            let tasklet = Arc::new(Tasklet::new());
            let goes = {
                let (variable, tasklet) = (variable.clone(), tasklet.clone());
                match way {
                    0 => spawn(move || assert!(variable.wait_timeout(LONG).is_none_or(|letter| letter.number() == 1))),
                    1 => thread::spawn(move || {
                        until_cancelled(&tasklet, || variable.get().number());
                    }),
                    _ => {
                        let waits = ByHand::waiting(async move { variable.get_async().await.number() });
                        thread::spawn(move || drop(waits))
                    }
                }
            };
            let mut other = {
                let variable = variable.clone();
                ByHand::waiting(async move { variable.get_async().await.number() })
            };
            if way == 1 {
                tasklet.cancel();
            }
            assert!(variable.bind(mail.letter(1)).is_ok());
            assert_eq!(other.poll(), Some(1));
            goes.join().unwrap();
        });
    }
}

/// The handles go while it is bound: the value is dropped once.
#[test]
fn the_handles_go() {
    loom::model(|| {
        let mail = Mail::new();
        let variable = Dataflow::new();
        let binder = spawn_binder(&variable, &mail, 1);
        drop(variable);
        assert!(binder.join().unwrap());
    });
}
