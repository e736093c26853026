import Benchmark
@main struct P { static func main() async {} }
