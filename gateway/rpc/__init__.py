"""The gRPC room: bytes in, one use case, bytes out. The only room that knows gRPC and protobuf."""
