//! Says hello from a thread.

fn main() {
    std::thread::spawn(|| println!("hello")).join().expect("println does not panic on a healthy stdout");
}
