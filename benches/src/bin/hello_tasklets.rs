//! Says hello from a tasklet.

fn main() -> Result<(), tasklets::JoinError> {
    tasklets::run(|| tasklets::spawn(|| println!("hello")).join())
}
