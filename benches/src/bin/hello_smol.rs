//! Says hello from a smol task.

fn main() {
    smol::block_on(smol::spawn(async { println!("hello") }));
}
