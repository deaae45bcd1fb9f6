// Bodies that TLS has taken from the kernel before the server asks for them: no socket says that they are there.
#include "tests/net/transfer_fixture.h"

using namespace wharf::net;
using namespace wharf::test;

TEST_CASE("a body in the TLS record of its header comes whole to a receiver that takes its time") {
  TransferFixture f(HttpClientSettings(), transfer_identity().ca_pem);
  TransferServer server(f.loop, "https");
  server.taking->waits = true;
  OutgoingRequest request = f.to(server.port, "/up", "https");
  request.method = "PUT";
  request.body = std::string(9'000, 'b');  // more than the first read has room for, less than a record
  const auto transfer = f.start(std::move(request));
  REQUIRE(run_until(f.loop, [&] {
    if (server.taking->taken) std::exchange(server.taking->taken, nullptr)();
    return transfer->done;
  }));
  REQUIRE_FALSE(transfer->failure);
  CHECK(transfer->response.status == 200);
  CHECK(server.taking->bytes == 9'000);
  CHECK(server.taking->pieces > 1);  // else nothing was left with TLS
}
