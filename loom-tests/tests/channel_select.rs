//! `tasklets_channels`: select.
#![cfg(tasklets_loom)]

use loom::thread;
use std::future::Future as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use tasklets_channels::{Receiver, Select, SelectedOperation, Sender, bounded, unbounded};
use tasklets_loom_tests::{
    ByHand, Letter, Mail, Task, Tasklet, as_tasklet, deadline, explore, left_in, receive, spawn, spawn_sender,
    until_cancelled,
};

/// Chooses of two receives. Returns which, and the number of the letter.
fn receive_any(receivers: [&Receiver<Letter>; 2]) -> (usize, u32) {
    let mut select = Select::new_biased();
    let operations = receivers.map(|receiver| select.recv(receiver));
    let chosen = select.select();
    let which = operations.iter().position(|&index| index == chosen.index()).unwrap();
    (which, chosen.recv(receivers[which]).unwrap().number())
}

/// Sends by a select.
fn send_by_select(sender: &Sender<Letter>, mail: &Mail, number: u32) {
    let mut select = Select::new_biased();
    select.send(sender);
    let chosen = select.select();
    // Made late, as somebody waits for it.
    thread::yield_now();
    chosen.send(sender, mail.letter(number)).unwrap();
}

/// Commits to an operation and does not carry it out.
fn forget(select: impl FnOnce() -> SelectedOperation<'static>) {
    let payload = catch_unwind(AssertUnwindSafe(|| {
        let _operation = select();
        resume_unwind(Box::new("the message could not be made"));
    }));
    assert!(payload.unwrap_err().is::<&str>());
}

/// Messages come to two channels while somebody waits for either: it gets one of them, and the other stays.
#[test]
fn one_of_two_messages_is_received() {
    explore(2, || {
        let mail = Mail::new();
        let channels = [unbounded(), unbounded()];
        let senders = [0, 1].map(|which| spawn_sender(&channels[which].0, &mail, [which as u32]));
        let [(_, first), (_, second)] = &channels;
        let (which, number) = as_tasklet(|| receive_any([first, second]));
        assert_eq!(number, which as u32);
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!(left_in([second, first][which]), [1 - number]);
        assert!(left_in([first, second][which]).is_empty());
    });
}

/// The same with rendezvous: the other sender waits on.
#[test]
fn one_of_two_senders_is_met() {
    explore(2, || {
        let mail = Mail::new();
        let channels = [bounded(0), bounded(0)];
        let senders = [0, 1].map(|which| spawn_sender(&channels[which].0, &mail, [which as u32]));
        let [(_, first), (_, second)] = &channels;
        as_tasklet(|| {
            let (which, number) = receive_any([first, second]);
            assert_eq!(number, which as u32);
            assert_eq!(receive([second, first][which], 1), [1 - number]);
        });
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// Two selects, each of which could send to the other or receive from it: they meet once.
#[test]
fn crossed_selects_meet() {
    explore(2, || {
        let mail = Mail::new();
        let ends = Arc::new([bounded(0), bounded(0)]);
        let meet = |out: usize, mail: Mail| {
            let ends = ends.clone();
            move || {
                let (sender, receiver) = (&ends[out].0, &ends[1 - out].1);
                let mut select = Select::new_biased();
                let send = select.send(sender);
                select.recv(receiver);
                let chosen = select.select();
                if chosen.index() == send {
                    chosen.send(sender, mail.letter(out as u32)).unwrap();
                    None
                } else {
                    Some(chosen.recv(receiver).unwrap().number())
                }
            }
        };
        let other = spawn(meet(1, mail.clone()));
        let received = as_tasklet(meet(0, mail.clone()));
        match (received, other.join().unwrap()) {
            (Some(1), None) | (None, Some(0)) => {}
            both => panic!("{both:?}"),
        }
    });
}

/// A select has met a receiver and makes the message only then: the receiver waits for it, however it receives.
#[test]
fn a_message_that_is_made_late() {
    let receive: [fn(&Receiver<Letter>) -> u32; 2] =
        [|r| r.recv().unwrap().number(), |r| receive_any([&tasklets_channels::never(), r]).1];
    for receive in receive {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = bounded(0);
            let sender = {
                let mail = mail.clone();
                spawn(move || send_by_select(&s, &mail, 0))
            };
            as_tasklet(|| assert_eq!(receive(&r), 0));
            sender.join().unwrap();
        });
    }
}

/// The same while the receiver's time runs out: it gives up before they meet, or has the message.
#[test]
fn a_message_that_is_made_late_meets_a_timeout() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let sender = {
            let mail = mail.clone();
            spawn(move || send_by_select(&s, &mail, 0))
        };
        as_tasklet(|| match r.recv_deadline(deadline()) {
            Ok(letter) => assert_eq!(letter.number(), 0),
            Err(_) => assert_eq!(receive(&r, 1), [0]),
        });
        sender.join().unwrap();
    });
}

/// The same while the receiver is told to end after they have met: it waits for the message all the same.
#[test]
fn a_message_that_is_made_late_meets_a_cancellation() {
    explore(3, || {
        let mail = Mail::new();
        let tasklet = Arc::new(Tasklet::new());
        let (s, r) = bounded(0);
        let sender = {
            let (tasklet, mail) = (tasklet.clone(), mail.clone());
            spawn(move || {
                let mut select = Select::new_biased();
                select.send(&s);
                let chosen = select.select();
                tasklet.cancel();
                chosen.send(&s, mail.letter(0)).unwrap();
            })
        };
        assert_eq!(until_cancelled(&tasklet, || receive(&r, 1)), Some(vec![0]));
        sender.join().unwrap();
    });
}

/// The message is not made after all: the receiver that waits for it goes on to the next sender.
#[test]
fn a_message_that_is_never_made() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let sender = {
            let (s, mail) = (s.clone(), mail.clone());
            spawn(move || {
                let s: &'static Sender<Letter> = Box::leak(Box::new(s.clone()));
                forget(|| {
                    let mut select = Select::new_biased();
                    select.send(s);
                    select.select()
                });
                s.send(mail.letter(0)).unwrap();
                // SAFETY: it was leaked above, and no select refers to it any more.
                drop(unsafe { Box::from_raw(std::ptr::from_ref(s).cast_mut()) });
            })
        };
        as_tasklet(|| assert_eq!(receive(&r, 1), [0]));
        sender.join().unwrap();
    });
}

/// A select has reserved the only place and does not fill it: a sender that waits for room has it.
#[test]
fn a_place_that_is_never_filled() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = bounded(1);
        let leaked: &'static Sender<Letter> = Box::leak(Box::new(s.clone()));
        let chosen = {
            let mut select = Select::new_biased();
            select.send(leaked);
            select.try_select().unwrap()
        };
        let sender = spawn_sender(&s, &mail, [0]);
        forget(|| chosen);
        sender.join().unwrap();
        assert_eq!(left_in(&r), [0]);
        assert_eq!(r.len(), 0);
        // SAFETY: it was leaked above, and no select refers to it any more.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(leaked).cast_mut()) });
    });
}

/// The same beside receivers: there is nothing for them, so none loses its turn.
#[test]
fn a_place_that_is_never_filled_is_nobodys_turn() {
    explore(1, || {
        let mail = Mail::new();
        let (s, r) = unbounded();
        let leaked: &'static Sender<Letter> = Box::leak(Box::new(s.clone()));
        let chosen = {
            let mut select = Select::new_biased();
            select.send(leaked);
            select.try_select().unwrap()
        };
        let waiting = [r.clone(), r].map(|r| ByHand::waiting(async move { r.recv_async().await }));
        forget(|| chosen);
        assert_eq!(s.balance(), -2, "both still wait, in their order");
        s.send(mail.letter(0)).unwrap();
        let received: Vec<_> = waiting.into_iter().filter_map(|mut one| one.poll()).collect();
        assert_eq!(received.into_iter().map(|letter| letter.unwrap().number()).collect::<Vec<_>>(), [0]);
        // SAFETY: it was leaked above, and no select refers to it any more.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(leaked).cast_mut()) });
    });
}

/// A select has reserved a place and fills it while a receiver begins to wait, and another sender may come after it: the receiver does not
/// wait for the place if there is something behind it, and for nothing else either.
#[test]
fn a_place_that_is_filled_late() {
    for others in [0, 1] {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = unbounded();
            let mut select = Select::new_biased();
            select.send(&s);
            let chosen = select.try_select().unwrap();
            let receiver = spawn(move || receive(&r, 1 + others));
            let sender = (others == 1).then(|| spawn_sender(&s, &mail, [1]));
            chosen.send(&s, mail.letter(0)).unwrap();
            let mut received = receiver.join().unwrap();
            received.sort_unstable();
            assert!(received.into_iter().eq(0..1 + others as u32));
            if let Some(sender) = sender {
                sender.join().unwrap();
            }
        });
    }
}

/// The same where somebody watches and a future waits, in whichever order: both are told.
#[test]
fn all_who_wait_for_a_place_are_told() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = unbounded();
        let mut select = Select::new_biased();
        select.send(&s);
        let chosen = select.try_select().unwrap();
        let watcher = {
            let r = r.clone();
            spawn(move || {
                let mut select = Select::new_biased();
                select.recv(&r);
                select.ready()
            })
        };
        // The watcher is in the queue by then, among other times.
        thread::yield_now();
        let task = Task::new();
        let mut receiving = Box::pin(r.recv_async());
        assert!(task.once(|cx| receiving.as_mut().poll(cx)).is_pending());
        chosen.send(&s, mail.letter(0)).unwrap();
        assert_eq!(task.run(|cx| receiving.as_mut().poll(cx)).unwrap().number(), 0);
        // For the watcher, if it was slower.
        r.close();
        watcher.join().unwrap();
    });
}

/// A select that could send to itself meets another.
#[test]
fn a_select_does_not_meet_itself() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let receiver = {
            let r = r.clone();
            spawn(move || assert_eq!(receive(&r, 1), [0]))
        };
        as_tasklet(|| {
            let mut select = Select::new_biased();
            let send = select.send(&s);
            select.recv(&r);
            let chosen = select.select();
            assert_eq!(chosen.index(), send);
            chosen.send(&s, mail.letter(0)).unwrap();
        });
        receiver.join().unwrap();
    });
}

/// A select that could meet nobody but itself waits, and does not turn until somebody comes: so it can be told to end.
#[test]
fn a_select_beside_nobody_waits() {
    explore(1, || {
        let tasklet = Tasklet::new();
        tasklet.cancel();
        let (s, r) = bounded::<Letter>(0);
        let chosen = until_cancelled(&tasklet, || {
            let mut select = Select::new_biased();
            select.send(&s);
            select.recv(&r);
            let _ = select.select();
        });
        assert_eq!(chosen, None);
    });
}

/// A select waits for room beside another sender, and takes a message that comes elsewhere: the room goes to the other.
#[test]
fn room_that_a_select_was_told_of_goes_to_the_next() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(1);
        s.try_send(mail.letter(0)).unwrap();
        let (other, elsewhere) = unbounded();
        let maker = {
            let (r, mail) = (r.clone(), mail.clone());
            thread::spawn(move || {
                drop(r.try_recv());
                other.try_send(mail.letter(1)).unwrap();
            })
        };
        let sender = spawn_sender(&s, &mail, [2]);
        as_tasklet(|| {
            let mut select = Select::new_biased();
            let receive = select.recv(&elsewhere);
            select.send(&s);
            let chosen = select.select();
            if chosen.index() == receive {
                chosen.recv(&elsewhere).unwrap();
            } else {
                chosen.send(&s, mail.letter(3)).unwrap();
                // Room for the sender that waits.
                r.recv().unwrap();
            }
        });
        maker.join().unwrap();
        sender.join().unwrap();
        drop(left_in(&r));
        drop(left_in(&elsewhere));
    });
}

/// Somebody watches for a message while it is sent: it learns of it, and the message is still there.
#[test]
fn one_who_watches_for_a_message() {
    for capacity in [None, Some(0)] {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = spawn_sender(&s, &mail, [0]);
            as_tasklet(|| {
                assert_eq!(
                    {
                        let mut select = Select::new_biased();
                        select.recv(&r);
                        select.ready()
                    },
                    0
                );
                assert_eq!(receive(&r, 1), [0]);
            });
            sender.join().unwrap();
        });
    }
}

/// Somebody watches for a message and another waits for it: both have what they want.
#[test]
fn one_who_watches_takes_nothing_from_the_others() {
    for capacity in [None, Some(0)] {
        explore(1, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let watcher = {
                let r = r.clone();
                spawn(move || {
                    let mut select = Select::new_biased();
                    select.recv(&r);
                    select.ready()
                })
            };
            let sender = spawn_sender(&s, &mail, [0]);
            as_tasklet(|| assert_eq!(receive(&r, 1), [0]));
            // For the watcher, if it was slower.
            r.close();
            sender.join().unwrap();
            watcher.join().unwrap();
        });
    }
}

/// Somebody watches for room, or for a receiver, while the channel is closed: a send is ready then.
#[test]
fn one_who_watches_learns_of_the_close() {
    for capacity in [0, 1] {
        explore(3, move || {
            let (s, r) = bounded(capacity);
            let _ = s.try_send(());
            let closer = thread::spawn(move || assert!(r.close()));
            as_tasklet(|| {
                let mut select = Select::new_biased();
                select.send(&s);
                assert_eq!(select.ready(), 0);
            });
            closer.join().unwrap();
        });
    }
}

/// Somebody watches for a receiver, while a select receives: it learns of it, and sends.
#[test]
fn one_who_watches_is_told_by_a_select() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let sender = {
            let mail = mail.clone();
            spawn(move || {
                let mut select = Select::new_biased();
                select.send(&s);
                assert_eq!(select.ready(), 0);
                s.send(mail.letter(0)).unwrap();
            })
        };
        as_tasklet(|| assert_eq!(receive_any([&tasklets_channels::never(), &r]).1, 0));
        sender.join().unwrap();
    });
}

/// Two watch from both sides of a rendezvous where nobody comes: neither is what the other waits for.
#[test]
fn those_who_watch_do_not_wake_each_other() {
    explore(1, || {
        let (s, r) = bounded::<()>(0);
        let watcher = {
            let s = s.clone();
            spawn(move || {
                let mut select = Select::new_biased();
                select.send(&s);
                select.ready()
            })
        };
        let closer = thread::spawn(move || s.close());
        as_tasklet(|| {
            let mut select = Select::new_biased();
            select.recv(&r);
            select.ready()
        });
        watcher.join().unwrap();
        closer.join().unwrap();
    });
}

/// A select that waits for a receiver, and a receive in a future: they meet.
#[test]
fn a_select_and_a_future_meet() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let sender = {
            let mail = mail.clone();
            spawn(move || send_by_select(&s, &mail, 0))
        };
        // It may have to wait for the message to be made.
        as_tasklet(|| {
            let mut receiving = Box::pin(r.recv_async());
            assert_eq!(Task::new().run(|cx| receiving.as_mut().poll(cx)).unwrap().number(), 0);
        });
        sender.join().unwrap();
    });
}
