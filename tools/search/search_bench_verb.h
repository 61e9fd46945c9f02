// `nasc search-bench`: command line of the replays.
#pragma once

namespace nasc {
int search_bench_main(int argc, char** argv); // argv[0] is the verb; the exit code
}
