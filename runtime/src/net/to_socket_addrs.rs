//! What names a socket address.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::{iter, option, slice, vec};

/// What names one or more socket addresses: [`std::net::ToSocketAddrs`], except that looking a name up suspends the tasklet
/// and not its worker.
///
/// It is a trait of its own, implemented for the same types, because std's would look names up on the worker itself.
///
/// ```
/// use tasklets_runtime::net::ToSocketAddrs;
/// tasklets_runtime::run(|| {
///     let mut addresses = ("localhost", 80).to_socket_addrs().unwrap();
///     assert!(addresses.all(|address| address.ip().is_loopback()));
/// });
/// ```
pub trait ToSocketAddrs {
    /// The addresses, one after the other.
    type Iter: Iterator<Item = SocketAddr>;

    /// The addresses that this names.
    ///
    /// # Errors
    /// If it is a name that cannot be resolved, or not of the form `host:port`.
    ///
    /// # Cancellation
    /// A tasklet that is told to end while a name is looked up unwinds out of this call.
    fn to_socket_addrs(&self) -> io::Result<Self::Iter>;
}

macro_rules! as_std {
    ($($address:ty),* $(,)?) => {$(
        impl ToSocketAddrs for $address {
            type Iter = option::IntoIter<SocketAddr>;

            fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
                std::net::ToSocketAddrs::to_socket_addrs(self)
            }
        }
    )*};
}

as_std!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl<'a> ToSocketAddrs for &'a [SocketAddr] {
    type Iter = iter::Cloned<slice::Iter<'a, SocketAddr>>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(self.iter().cloned())
    }
}

impl<A: ToSocketAddrs + ?Sized> ToSocketAddrs for &A {
    type Iter = A::Iter;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (**self).to_socket_addrs()
    }
}

impl ToSocketAddrs for str {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        match self.parse() {
            Ok(address) => Ok(vec![address].into_iter()),
            Err(_) => look_up(self.to_owned()),
        }
    }
}

impl ToSocketAddrs for String {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (**self).to_socket_addrs()
    }
}

impl ToSocketAddrs for (&str, u16) {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(ip) => Ok(vec![SocketAddr::new(ip, port)].into_iter()),
            Err(_) => look_up((host.to_owned(), port)),
        }
    }
}

impl ToSocketAddrs for (String, u16) {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (&*self.0, self.1).to_socket_addrs()
    }
}

/// Has the system resolve a name, which may block a thread for seconds.
fn look_up<N>(name: N) -> io::Result<vec::IntoIter<SocketAddr>>
where
    N: std::net::ToSocketAddrs + Send + 'static,
{
    let addresses: io::Result<Vec<_>> = crate::unblock(move || Ok(name.to_socket_addrs()?.collect()));
    Ok(addresses?.into_iter())
}

/// Tries `each` with one address after the other until it succeeds; returns the last error otherwise.
pub(super) fn try_each<A, T>(addresses: A, each: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T>
where
    A: ToSocketAddrs,
{
    let none = io::Error::new(io::ErrorKind::InvalidInput, "the name was resolved to no address at all");
    let mut result = Err(none);
    let mut tries = addresses.to_socket_addrs()?.map(each);
    while result.is_err()
        && let Some(next) = tries.next()
    {
        result = next;
    }
    result
}
