//! Takes zstd away.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead as _, BufReader, Read};

/// What the frames of a zstd file hold, one after the other; the decoder reads single frames.
pub(super) struct Frames<R> {
    source: BufReader<R>,
    decoder: FrameDecoder,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(64 * 1024, source),
            decoder: FrameDecoder::new(),
        }
    }

    /// Begins the next frame, past those that hold nothing; `false` if there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let mut skipped = self.source.by_ref().take(length.into());
                    if io::copy(&mut skipped, &mut io::sink())? < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    /// Compares the checksum of a frame that has been read, if it has one.
    fn verify(&self) -> io::Result<()> {
        let expected = self.decoder.get_checksum_from_data();
        if expected.is_some() && expected != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of a zstd frame is wrong",
            ));
        }
        Ok(())
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let strategy = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.source, strategy)
                    .map_err(io::Error::other)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.verify()?;
            if !self.next_frame()? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    /// `{"type":"identify","userId":"u"}` 40 times, as the reference implementation compresses it, with a checksum.
    const FRAME: [u8; 56] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x28, 0x04, 0x55, 0x01, 0x00, 0x14, 0x02, 0x7b, 0x22, 0x74, 0x79, 0x70, 0x65,
        0x22, 0x3a, 0x22, 0x69, 0x64, 0x65, 0x6e, 0x74, 0x69, 0x66, 0x79, 0x22, 0x2c, 0x22, 0x75, 0x73, 0x65, 0x72,
        0x49, 0x64, 0x22, 0x3a, 0x22, 0x75, 0x22, 0x7d, 0x0a, 0x01, 0x00, 0x21, 0x88, 0xfc, 0xea, 0x09, 0xc3, 0x3c,
        0x2e, 0x5a,
    ];

    fn expected() -> String {
        "{\"type\":\"identify\",\"userId\":\"u\"}\n".repeat(40)
    }

    fn read(compressed: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        Frames::new(compressed).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn frames_are_read_one_after_the_other() {
        let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let other = compress_to_vec(&b"the last"[..], CompressionLevel::Fastest);
        let all = [&skipped, &FRAME[..], &FRAME, &skipped, &other, &skipped].concat();
        assert_eq!(read(&all).unwrap(), expected() + &expected() + "the last");
        assert_eq!(read(&[]).unwrap(), "");
    }

    #[test]
    fn what_is_cut_or_changed_is_noticed() {
        for length in 1..FRAME.len() {
            assert!(read(&FRAME[..length]).is_err(), "the first {length} bytes");
        }
        let mut changed = FRAME;
        changed[20] ^= 1;
        let error = read(&changed).unwrap_err();
        assert_eq!(error.to_string(), "the checksum of a zstd frame is wrong");
        assert!(
            read(&[&FRAME[..], b"more"].concat()).is_err(),
            "what follows is no frame"
        );
        assert!(
            read(&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, b'a']).is_err(),
            "a frame to be skipped"
        );
    }
}
