//! One request over one connection, for whoever asks another server.

use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::stream::Stream;
use super::tls;

/// Sends a request to an address, inside TLS or not, and hands the response to `read`, which takes in its body while the
/// connection lasts.
///
/// # Errors
/// When there is no connection, it breaks off before `read` is done, or `read` says so.
pub async fn ask<T, B: Body<Data = Bytes, Error = std::convert::Infallible> + 'static>(
    address: &str,
    inside_tls: bool,
    request: Request<B>,
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, String>,
) -> Result<T, String> {
    let tcp = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
    let stream = match inside_tls {
        true => tls::connect_to(address, tcp).await.map_err(|e| e.to_string())?,
        false => Stream::Plain(tcp),
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    let answer = async { read(sender.send_request(request).await.map_err(|e| e.to_string())?).await };
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answered = &mut answer => answered,
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(error.to_string()),
        },
    }
}
