package main

import (
	"context"
	"syscall/js"
	"time"

	"warpdrop/sim"
)

// main gives the page's worker two functions, warpdropKernels(file, bytes) and warpdropRun(request, bytes), which
// answer with JSON, and calls warpdropReady(JSON) with the GPUs, the checks and the model's version.
func main() {
	js.Global().Set("warpdropKernels", js.FuncOf(func(_ js.Value, args []js.Value) any {
		names, err := kernels(args[0].String(), bytesOf(args[1]))
		if err != nil {
			return errorText(err)
		}
		return jsonText(map[string]any{"kernels": names})
	}))
	js.Global().Set("warpdropRun", js.FuncOf(func(_ js.Value, args []js.Value) any {
		last := time.Now()
		return answerText(context.Background(), args[0].String(), bytesOf(args[1]), func(p sim.Progress) {
			if time.Since(last) > 200*time.Millisecond {
				last = time.Now()
				js.Global().Call("warpdropProgress", p.Cycle, p.Blocks, p.Total)
			}
		})
	}))
	js.Global().Call("warpdropReady",
		jsonText(map[string]any{"gpus": sim.GPUs(), "checks": sim.CheckNames(), "model": sim.ModelVersion}))
	select {}
}

func bytesOf(array js.Value) []byte {
	data := make([]byte, array.Get("byteLength").Int())
	js.CopyBytesToGo(data, array)
	return data
}
