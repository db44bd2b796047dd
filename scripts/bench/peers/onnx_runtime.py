"""ONNX Runtime: predictions alone, through `run`, and with input and output bound once, so that a call allocates nothing."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from protocol import THREADS, Skip, serve

OPSET, IR = 17, 8
ACTIVATIONS = {"sigmoid": "Sigmoid", "relu": "Relu", "softmax": "Softmax"}


def about():
    return {"name": f"ONNX Runtime {onnxruntime.__version__}", "kernel": "MLAS"}


def model_of(case):
    """Dense layers, in the bytes of an .onnx file."""
    nodes, weights, value = [], [], "x"
    for i, (layer, (w, b)) in enumerate(zip(case.layers, case.layer_weights())):
        weights += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"z{i}"]))
        value = f"a{i}"
        nodes.append(helper.make_node(ACTIVATIONS[layer["activation"]], [f"z{i}"], [value]))
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [case.rows, n])
             for name, n in (("x", case.inputShape[0]), (value, case.layers[-1]["units"]))]
    graph = helper.make_graph(nodes, "network", ports[:1], ports[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    return model.SerializeToString()


class Prediction:
    def __init__(self, case):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
        session = onnxruntime.InferenceSession(model_of(case), options, providers=["CPUExecutionProvider"])
        rows = np.ascontiguousarray(case.array("x")[: case.rows])
        out = np.empty((case.rows, case.layers[-1]["units"]), np.float32)
        bound = session.io_binding()
        bound.bind_cpu_input("x", rows)
        bound.bind_output(session.get_outputs()[0].name, "cpu", 0, np.float32, out.shape, out.ctypes.data)

        def into():
            session.run_with_iobinding(bound)
            return out

        self.calls = {"bound arrays": into, "run": lambda: session.run(None, {"x": rows})[0]}
        self.modes = list(self.calls)
        self.losses_of = {mode: call()[0].tolist() for mode, call in self.calls.items()}
        self.losses = self.losses_of["run"]


def open_case(case):
    if case.kind != "predict":
        raise Skip("ONNX Runtime does not train")
    return Prediction(case)


if __name__ == "__main__":
    serve(about, open_case)
