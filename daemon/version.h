#pragma once

namespace wharf::daemon {

/// The project's version, for example "0.1.0".
const char* version();

}  // namespace wharf::daemon
