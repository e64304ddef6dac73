//! Says hello from a may coroutine.

fn main() {
    may::go!(|| println!("hello")).join().expect("println does not panic on a healthy stdout");
}
