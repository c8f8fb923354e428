"""The JSON Schema of a pydantic model: pydantic's own, with what the readers of values say."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from sim.topology.problems import Schema
from sim.topology.shapes import also_of, either, shape_of


def of_model(model: type[Schema]) -> dict[str, Any]:
    """The schema of a whole file that is read by this model."""
    return model.model_json_schema(schema_generator=_Generator)


class _Generator(GenerateJsonSchema):
    """Where a value is read before it is checked, the file has what the reader takes."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        reader = schema["function"]["function"]
        if shape := shape_of(reader):
            return {**shape}
        checked = super().function_before_schema(schema)
        return {**either(shape, checked)} if (shape := also_of(reader)) else checked

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Without defaults: they are what was read (30.0), and not as a file says it (30s)."""
        return self.generate_inner(schema["schema"])
