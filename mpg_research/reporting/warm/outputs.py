"""What the cells of a notebook put out, as a notebook holds it: texts, pictures, results, errors."""

from collections.abc import Mapping
from typing import Any

__all__ = ["CellOutputs"]


class CellOutputs:
    """The outputs of one notebook, cell by cell.

    They are joined, cleared and updated as a client of a kernel does it: text that follows text of the same
    stream goes on with it, and what is displayed under an id is replaced wherever it stands.
    """

    def __init__(self) -> None:
        self._list: list[Any] = []
        self._by_id: dict[str, list[Any]] = {}
        self._clear_before_next = False

    def begin(self, outputs: list[Any]) -> None:
        """Whatever comes now belongs to this list.

        Parameters
        ----------
        outputs : list of NotebookNode
            The outputs of the cell that is about to run.
        """
        self._list = outputs
        self._clear_before_next = False

    def text(self, stream: str, text: str) -> None:
        """Text that was written to a stream.

        Parameters
        ----------
        stream : {"stdout", "stderr"}
            Which.
        text : str
            What; nothing is done with an empty text.
        """
        if not text:
            return
        self._clear_if_asked()
        last = self._list[-1] if self._list else None
        if last is not None and last.output_type == "stream" and last.name == stream:
            last.text += text
        else:
            self._add("stream", name=stream, text=text)

    def display(
        self,
        kind: str,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any],
        *,
        display_id: str | None = None,
        **fields: Any,
    ) -> None:
        """Something displayed, or the value of the last line.

        Parameters
        ----------
        kind : {"display_data", "execute_result"}
            Which of the two.
        data, metadata : mapping
            By media type.
        display_id : str, optional
            Under which it can be replaced later on.
        **fields
            Further fields of the output, as ``execution_count``.
        """
        self._clear_if_asked()
        added = self._add(kind, data=data, metadata=metadata, **fields)
        if display_id:
            self._replace(display_id, data, metadata)
            self._by_id.setdefault(display_id, []).append(added)

    def update(self, display_id: str | None, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Replace what was displayed under an id; where there is nothing, nothing happens.

        Parameters
        ----------
        display_id : str or None
            The id.
        data, metadata : mapping
            By media type.
        """
        if display_id:
            self._replace(display_id, data, metadata)

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        """A cell failed.

        Parameters
        ----------
        name, value : str
            Class and message of the exception.
        traceback : list of str
            Lines of the traceback.
        """
        self._clear_if_asked()
        self._add("error", ename=name, evalue=value, traceback=traceback)

    def clear(self, *, wait: bool) -> None:
        """Take away what the cell has put out.

        Parameters
        ----------
        wait : bool
            Only when something else comes.
        """
        if wait:
            self._clear_before_next = True
        else:
            self._list.clear()

    @property
    def has_error(self) -> bool:
        """Whether the cell that runs has put out an error."""
        return any(output.output_type == "error" for output in self._list)

    def _add(self, kind: str, **fields: Any) -> Any:
        from nbformat.v4 import new_output

        output = new_output(kind, **fields)
        self._list.append(output)
        return output

    def _replace(self, display_id: str, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        from nbformat import from_dict

        for output in self._by_id.get(display_id, []):
            output.data, output.metadata = from_dict(data), from_dict(metadata)

    def _clear_if_asked(self) -> None:
        if self._clear_before_next:
            self._list.clear()
            self._clear_before_next = False
