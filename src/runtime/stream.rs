//! What a leg is read from and written to: a TCP connection, with TLS on it or without.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// See the [module documentation](self).
#[derive(Debug)]
pub enum Stream {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS on it, whichever end it is.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// Ready when there may be something to read. What TLS has opened already nobody can see from outside: it may be at
    /// any time.
    pub fn poll_may_read(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(tcp) => tcp.poll_read_ready(cx).map(|_| ()),
            Self::Tls(_) => Poll::Ready(()),
        }
    }

    /// Ready when writing may go on.
    pub fn poll_may_write(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.tcp().poll_write_ready(cx).map(|_| ())
    }

    /// Writes what is taken at once, and answers how many octets that is; none when it would have to wait.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub fn try_write(&mut self, octets: &[IoSlice<'_>], cx: &mut Context<'_>) -> io::Result<Option<usize>> {
        match self {
            Self::Plain(tcp) => match tcp.try_write_vectored(octets) {
                Ok(n) => Ok(Some(n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            },
            Self::Tls(tls) => match Pin::new(&mut **tls).poll_write_vectored(cx, octets) {
                Poll::Ready(written) => written.map(Some),
                Poll::Pending => Ok(None),
            },
        }
    }

    /// Sends what TLS holds back; whether nothing is left.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub fn try_flush(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        match self {
            Self::Plain(_) => Ok(true),
            Self::Tls(tls) => match Pin::new(&mut **tls).poll_flush(cx) {
                Poll::Ready(flushed) => flushed.map(|()| true),
                Poll::Pending => Ok(false),
            },
        }
    }

    /// Ends what is written.
    pub async fn end(&mut self) {
        let _ = self.shutdown().await;
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, octets),
            // Many peers end without saying so in TLS; the lengths of PDUs tell what is cut.
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, octets).map(|read| match read {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
                read => read,
            }),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, octets),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(cx),
        }
    }
}
